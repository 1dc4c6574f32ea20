"""The workloads that manifests describe, with the identity and labels of their pods."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from lateen.api.kubernetes.pod import PodTemplateSpec
from lateen.api.resource import Resource
from lateen.network_policy.peers import Labels, Workload
from lateen.network_policy.sources import Places

CONTROLLERS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob")
DEFAULT_ACCOUNT = "default"

# Whether a pod of this template, in a namespace of this name and labels, gets a proxy.
HasProxy = Callable[[PodTemplateSpec, str, Mapping[str, str]], bool]


def places(
    resources: Iterable[Resource[Any]], *, trust_domains: Iterable[str], has_proxy: HasProxy
) -> Places:
    """Workloads in the order of the resources; pods that a controller made are not repeated."""
    known = tuple(resources)
    labels = {item.name: item.meta.labels for item in known if item.kind == "Namespace"}
    found = []
    for resource in known:
        if resource.kind == "WorkloadEntry":
            found.append(_entry(resource))
            continue
        template = _template(resource)
        if template is not None:
            namespace = resource.namespace
            proxied = has_proxy(template, namespace, labels.get(namespace, {}))
            found.append(_workload(resource, template, proxied=proxied))
    namespaces = {*labels, *(workload.namespace for workload in found)}
    return Places(tuple(dict.fromkeys(found)), frozenset(namespaces), frozenset(trust_domains))


def _template(resource: Resource[Any]) -> PodTemplateSpec | None:
    if resource.kind == "Pod":
        return PodTemplateSpec(metadata=resource.meta, spec=resource.spec)
    if resource.kind not in CONTROLLERS:
        return None
    spec = resource.spec.job_template.spec if resource.kind == "CronJob" else resource.spec
    template: PodTemplateSpec = spec.template
    return template


def _workload(resource: Resource[Any], template: PodTemplateSpec, *, proxied: bool) -> Workload:
    labels = template.metadata.labels
    selector = getattr(resource.spec, "selector", None)
    chosen = selector.match_labels if selector is not None else {}
    account = template.spec.service_account_name or template.spec.service_account
    return Workload(
        name=resource.name,
        namespace=resource.namespace,
        service_account=account or DEFAULT_ACCOUNT,
        labels=_sorted(labels.items()),
        selector=_sorted((chosen or labels).items()),
        kind=resource.kind,
        proxied=proxied,
    )


def _entry(resource: Resource[Any]) -> Workload:
    spec = resource.spec
    labels = _sorted({**spec.labels, **resource.meta.labels}.items())
    return Workload(
        name=resource.name,
        namespace=resource.namespace,
        service_account=spec.service_account or DEFAULT_ACCOUNT,
        labels=labels,
        selector=labels,
        kind="WorkloadEntry",
        addresses=tuple(_numeric([spec.address])),
    )


def _numeric(addresses: Iterable[str]) -> Iterator[str]:
    """Only addresses that are numbers: NetworkPolicies know no names."""
    for address in addresses:
        if address and all(letter in "0123456789abcdefABCDEF.:" for letter in address):
            yield address


def _sorted(labels: Iterable[tuple[str, str]]) -> Labels:
    return tuple(sorted(labels))
