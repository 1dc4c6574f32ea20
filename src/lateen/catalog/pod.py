"""A Pod as a Workload: where it is, who it is, and whether it takes traffic."""

import re
from collections.abc import Mapping

from lateen.api.kubernetes.pod import PodSpec, PodStatus
from lateen.api.resource import Resource
from lateen.catalog.service import Health, Locality
from lateen.catalog.workload import (
    DISABLED,
    LOCALITY,
    MUTUAL,
    NETWORK,
    REGION,
    SUBZONE,
    TLS_MODE,
    WORKLOAD_NAME,
    ZONE,
    Place,
    Workload,
    identity,
    parse_locality,
    with_place,
)

SIDECAR_STATUS = "sidecar.istio.io/status"  # the injector was here
LOCALITY_ANNOTATION = "topology.istio.io/locality"
TEMPLATE_HASH = "pod-template-hash"
SET_POD_NAME = "statefulset.kubernetes.io/pod-name"
JOB_NAMES = ("batch.kubernetes.io/job-name", "job-name")
GENERATED = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{5}$")  # Kubernetes' suffix alphabet


def addresses(resource: Resource[PodSpec]) -> tuple[str, ...]:
    """Of a pod that runs; a finished one has lost its addresses."""
    status = resource.status
    if not isinstance(status, PodStatus) or status.phase in ("Succeeded", "Failed"):
        return ()
    written = tuple(item.ip for item in status.pod_ips) or (status.pod_ip,)
    return tuple(address for address in written if address)


def workload(
    resource: Resource[PodSpec], place: Place, node_labels: Mapping[str, str] = {}
) -> Workload:
    meta, spec = resource.meta, resource.spec
    locality = _locality(resource, node_labels)
    network = meta.labels.get(NETWORK, "") or place.network
    account = spec.service_account_name or spec.service_account or "default"
    return Workload(
        namespace=meta.namespace,
        name=meta.name,
        workload=workload_name(meta.name, meta.labels),
        addresses=addresses(resource),
        labels=with_place(
            meta.labels,
            cluster=place.cluster,
            network=network,
            locality=locality,
            node=spec.node_name,
        ),
        service_account=identity(place.trust_domain, meta.namespace, account),
        tls_mode=_tls_mode(resource),
        locality=locality,
        network=network,
        cluster=place.cluster,
        node=spec.node_name,
        health=Health.HEALTHY if _is_ready(resource) else Health.UNHEALTHY,
        ports=tuple(
            (port.name, port.container_port)
            for container in (*spec.init_containers, *spec.containers)
            for port in container.ports
            if port.name
        ),
        hostname=spec.hostname,
        subdomain=spec.subdomain,
    )


def workload_name(name: str, labels: Mapping[str, str]) -> str:
    """Of the owner: read off the labels that Kubernetes' controllers put on their pods."""
    if labels.get(WORKLOAD_NAME):
        return labels[WORKLOAD_NAME]
    if TEMPLATE_HASH in labels:
        owner, found, _ = name.rpartition(f"-{labels[TEMPLATE_HASH]}")
        return owner if found else GENERATED.sub("", name)
    if SET_POD_NAME in labels:
        return name.rpartition("-")[0] or name
    for label in JOB_NAMES:
        if labels.get(label):
            return labels[label]
    return GENERATED.sub("", name)


def _tls_mode(resource: Resource[PodSpec]) -> str:
    written = resource.meta.labels.get(TLS_MODE)
    if written is not None:
        return written
    return MUTUAL if SIDECAR_STATUS in resource.meta.annotations else DISABLED


def _locality(resource: Resource[PodSpec], node_labels: Mapping[str, str]) -> Locality:
    written = resource.meta.labels.get(LOCALITY) or resource.meta.annotations.get(
        LOCALITY_ANNOTATION
    )
    if written:
        return parse_locality(written)
    return Locality(
        node_labels.get(REGION, ""), node_labels.get(ZONE, ""), node_labels.get(SUBZONE, "")
    )


def _is_ready(resource: Resource[PodSpec]) -> bool:
    status = resource.status
    if not isinstance(status, PodStatus):
        return False
    return any(
        condition.type == "Ready" and condition.status == "True" for condition in status.conditions
    )
