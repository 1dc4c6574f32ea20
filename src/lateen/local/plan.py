"""What is to run, as the manifests say: one PodPlan per pod, without starting anything.

    Deployment, StatefulSet, DaemonSet, Job, Pod  ->  PodPlan(containers, proxy, owner)

A pod's name holds a hash of its template, as in a cluster: a changed template is a new pod, and so
a rolling update. Unlike in a cluster, values taken from ConfigMaps, Secrets, ProxyConfigs and the
images table count as part of the template: who edits them here wants to see them at work. What
cannot run is a `Problem`; the rest runs.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec

from lateen.api.kubernetes.pod import PodSpec, PodTemplateSpec
from lateen.api.resource import ObjectMeta, Resource
from lateen.base.problem import Problem, Severity
from lateen.local import injection, proxy_configs
from lateen.local.container_plan import ContainerPlan, References, container_plan
from lateen.local.proxy_configs import ProxyConfigs
from lateen.local.settings import Settings
from lateen.local.volumes import VolumeError, VolumePlan, volume_plans

CONTROLLERS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Pod")
NOT_RUN = {"CronJob": "schedules are not run on this machine; write a Job to run it once"}
HASH_LABEL = "pod-template-hash"


@dataclass(frozen=True, slots=True)
class Owner:
    kind: str
    name: str
    api_version: str = "apps/v1"


@dataclass(frozen=True)
class PodPlan:
    """Equal plans need no restart. `origin` is where the controller was written."""

    name: str
    namespace: str
    workload: str  # the controller's name
    kind: str  # the controller's kind; Pod for one that has none
    owner: Owner | None
    labels: dict[str, str]
    annotations: dict[str, str]
    service_account: str
    proxy: injection.ProxyRole
    containers: tuple[ContainerPlan, ...]
    init_containers: tuple[ContainerPlan, ...]
    spec: PodSpec
    volumes: tuple[VolumePlan, ...] = ()
    restart_policy: str = "Always"
    grace_seconds: float = 30
    backoff_limit: int = 6
    before: str = ""  # id of the pod that has to be ready first
    recreate: bool = False  # stop the old pod before the new one starts
    proxy_config: dict[str, Any] = field(default_factory=dict)  # effective, under JSON names
    merges_metrics: bool = True  # the application's with the proxy's, on the agent's port
    origin: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        return f"{self.name}.{self.namespace}"

    @property
    def controller(self) -> tuple[str, str, str]:
        return (self.kind, self.namespace, self.workload)


@dataclass(frozen=True)
class Plan:
    pods: tuple[PodPlan, ...]
    problems: tuple[Problem, ...] = ()


def plan(resources: Iterable[Resource[Any]], settings: Settings) -> Plan:
    """In the order of the resources; pods of one controller in their order of creation."""
    known = tuple(resources)
    references = References.of(known, settings)
    proxies = proxy_configs.of_resources(known)
    labels = {item.name: item.meta.labels for item in known if item.kind == "Namespace"}
    pods: list[PodPlan] = []
    problems: list[Problem] = []
    for resource in known:
        if resource.kind in NOT_RUN:
            problems.append(_problem(resource, NOT_RUN[resource.kind], Severity.WARNING))
        if resource.kind not in CONTROLLERS:
            continue
        namespace = references.namespace(resource)
        made = _pods(resource, namespace, labels.get(namespace, {}), references, proxies)
        pods += made
        for pod in made[:1]:
            parts = (*pod.init_containers, *pod.containers)
            problems += [problem for part in parts for problem in part.problems]
            problems += [
                _problem(resource, str(trouble), Severity.ERROR)
                for trouble in _volumes(pod.spec, namespace, references)
                if isinstance(trouble, VolumeError)
            ]
    return Plan(tuple(pods), tuple(problems))


def _pods(
    resource: Resource[Any],
    namespace: str,
    namespace_labels: dict[str, str],
    references: References,
    proxies: ProxyConfigs,
) -> list[PodPlan]:
    template = _template(resource)
    role = injection.role(template, namespace, namespace_labels)
    settings: dict[str, Any] = {}
    if role is not injection.ProxyRole.NONE:
        meta = template.metadata
        settings = proxies.effective(namespace, meta.labels, meta.annotations)
    digest = _template_digest(resource, template, namespace, role, references, settings)
    found = []
    for name, owner in _names(resource, digest):
        labels = dict(template.metadata.labels)
        if resource.kind in ("Deployment", "ReplicaSet"):
            labels[HASH_LABEL] = digest
        if resource.kind == "Job":
            labels.setdefault("job-name", resource.name)
        own = msgspec.structs.replace(
            template.metadata, name=name, namespace=namespace, labels=labels
        )
        spec = template.spec
        if resource.kind == "StatefulSet":
            labels["statefulset.kubernetes.io/pod-name"] = name
            subdomain = resource.spec.service_name
            spec = msgspec.structs.replace(spec, hostname=name, subdomain=subdomain)
        pod = _pod(resource, own, spec, owner, role, references)
        merges = proxies.merges_metrics(template.metadata.annotations)
        found.append(replace(pod, proxy_config=settings, merges_metrics=merges))
    return found


def _template_digest(
    resource: Resource[Any],
    template: PodTemplateSpec,
    namespace: str,
    role: injection.ProxyRole,
    references: References,
    settings: dict[str, Any],
) -> str:
    """Of everything that a pod is made from except its own name."""
    meta = msgspec.structs.replace(template.metadata, name="", namespace=namespace)
    pod = _pod(resource, meta, template.spec, None, role, references)
    parts = (*pod.init_containers, *pod.containers)
    resolved = [
        (
            [str(word) for word in part.argv],
            [(name, str(value)) for name, value in part.environment],
        )
        for part in parts
    ]
    files = [volume.files for volume in pod.volumes]
    places = [part.directory for part in parts]
    parts_of_it: tuple[Any, ...] = (template, role, resolved, places, files)
    if settings:  # pods that nothing asks for more keep their names
        parts_of_it = (*parts_of_it, sorted(settings.items()))
    content = msgspec.json.encode(parts_of_it)
    return _digest(content, 9)


def _pod(
    resource: Resource[Any],
    meta: ObjectMeta,
    spec: PodSpec,
    owner: Owner | None,
    role: injection.ProxyRole,
    references: References,
) -> PodPlan:
    application = [part for part in spec.containers if not injection.is_proxy(part, role)]
    initial = [part for part in spec.init_containers if not injection.is_proxy(part, role)]

    def planned(parts: list[Any]) -> tuple[ContainerPlan, ...]:
        return tuple(container_plan(part, meta, spec, resource, references) for part in parts)

    grace = spec.termination_grace_period_seconds
    backoff = getattr(resource.spec, "backoff_limit", None)
    return PodPlan(
        name=meta.name,
        namespace=meta.namespace,
        workload=resource.name,
        kind=resource.kind,
        owner=owner,
        labels=meta.labels,
        annotations=meta.annotations,
        service_account=spec.service_account_name or spec.service_account or "default",
        proxy=role,
        containers=planned(application),
        init_containers=planned(initial),
        spec=spec,
        volumes=tuple(
            volume
            for volume in _volumes(spec, meta.namespace, references)
            if isinstance(volume, VolumePlan)
        ),
        restart_policy=_restart_policy(resource, spec),
        grace_seconds=30 if grace is None else grace,
        backoff_limit=6 if backoff is None else backoff,
        before=_before(resource, meta),
        recreate=_recreates(resource),
        origin=str(resource.origin),
    )


def _volumes(
    spec: PodSpec, namespace: str, references: References
) -> tuple[VolumePlan | VolumeError, ...]:
    return tuple(volume_plans(spec, partial(references.content, namespace)))


def _before(resource: Resource[Any], meta: ObjectMeta) -> str:
    """A StatefulSet's pods start one after the other unless it says otherwise."""
    if resource.kind != "StatefulSet" or resource.spec.pod_management_policy == "Parallel":
        return ""
    ordinal = meta.name.rpartition("-")[2]
    if not ordinal.isdecimal() or ordinal == "0":
        return ""
    return f"{resource.name}-{int(ordinal) - 1}.{meta.namespace}"


def _recreates(resource: Resource[Any]) -> bool:
    strategy = getattr(resource.spec, "strategy", None) or {}
    return strategy.get("type") == "Recreate"


def _template(resource: Resource[Any]) -> PodTemplateSpec:
    if resource.kind != "Pod":
        template: PodTemplateSpec = resource.spec.template
        return template
    return PodTemplateSpec(metadata=resource.meta, spec=resource.spec)


def _names(resource: Resource[Any], digest: str) -> Iterator[tuple[str, Owner | None]]:
    name, spec = resource.name, resource.spec
    if resource.kind == "Pod":
        yield name, None
        return
    count = {"Job": "parallelism"}.get(resource.kind, "replicas")
    wanted = getattr(spec, count, None)
    replicas = 1 if wanted is None else wanted
    if resource.kind == "Job" and spec.suspend:
        replicas = 0
    for place in range(replicas):
        if resource.kind == "StatefulSet":
            yield f"{name}-{place}", Owner("StatefulSet", name)
            continue
        suffix = _digest(f"{resource.key} {digest} {place}".encode(), 5)
        if resource.kind == "Deployment":
            yield f"{name}-{digest}-{suffix}", Owner("ReplicaSet", f"{name}-{digest}")
        else:
            version = "batch/v1" if resource.kind == "Job" else "apps/v1"
            yield f"{name}-{suffix}", Owner(resource.kind, name, version)


def _restart_policy(resource: Resource[Any], spec: PodSpec) -> str:
    if resource.kind == "Job":
        return "Never" if spec.restart_policy == "Never" else "OnFailure"
    return spec.restart_policy or "Always"


def _digest(content: bytes, length: int) -> str:
    """Letters and digits as Kubernetes uses in names: none that could spell a word."""
    alphabet = "bcdfghjklmnpqrstvwxz2456789"
    number = int.from_bytes(hashlib.sha256(content).digest()[:16], "big")
    letters = []
    for _ in range(length):
        number, letter = divmod(number, len(alphabet))
        letters.append(alphabet[letter])
    return "".join(letters)


def _problem(resource: Resource[Any], message: str, severity: Severity) -> Problem:
    return Problem(
        "local",
        message,
        severity=severity,
        resource=str(resource.key),
        file=resource.origin.file,
        line=resource.origin.line,
    )
