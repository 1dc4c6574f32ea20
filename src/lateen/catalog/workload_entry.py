"""A WorkloadEntry, of its own or inline in a ServiceEntry, as a Workload."""

from dataclasses import replace

from lateen.api.resource import Resource
from lateen.api.workload_entry import WorkloadEntry
from lateen.catalog.service import Health, Locality
from lateen.catalog.workload import (
    DISABLED,
    LOCALITY,
    MUTUAL,
    NETWORK,
    TLS_MODE,
    WORKLOAD_NAME,
    Place,
    Workload,
    identity,
    parse_locality,
    with_place,
)

HEALTH_CHECKS = "proxy.istio.io/health-checks-enabled"


def workload(resource: Resource[WorkloadEntry], place: Place) -> Workload:
    """The object's labels are laid over those of its spec."""
    found = inline(
        resource.spec,
        namespace=resource.namespace,
        name=resource.name,
        place=place,
        labels={**resource.spec.labels, **resource.meta.labels},
    )
    return replace(found, health=Health.UNHEALTHY) if _is_unhealthy(resource) else found


def inline(
    spec: WorkloadEntry,
    *,
    namespace: str,
    name: str,
    place: Place,
    labels: dict[str, str] | None = None,
) -> Workload:
    labels = spec.labels if labels is None else labels
    locality = _locality(spec, labels)
    network = spec.network or labels.get(NETWORK, "") or place.network
    return Workload(
        namespace=namespace,
        name=name,
        workload=labels.get(WORKLOAD_NAME, "") or name,
        addresses=(spec.address,) if spec.address else (),
        labels=with_place(labels, cluster=place.cluster, network=network, locality=locality),
        service_account=(
            identity(place.trust_domain, namespace, spec.service_account)
            if spec.service_account
            else ""
        ),
        tls_mode=labels.get(TLS_MODE) or (MUTUAL if spec.service_account else DISABLED),
        locality=locality,
        network=network,
        cluster=place.cluster,
        ports=tuple(sorted(spec.ports.items())),
        is_pod=False,
        weight=spec.weight,
    )


def _locality(spec: WorkloadEntry, labels: dict[str, str]) -> Locality:
    return parse_locality(spec.locality or labels.get(LOCALITY, ""))


def _is_unhealthy(resource: Resource[WorkloadEntry]) -> bool:
    """With health checks on, only the condition Healthy=True lets traffic in."""
    if resource.meta.annotations.get(HEALTH_CHECKS) != "true":
        return False
    status = resource.status if isinstance(resource.status, dict) else {}
    return not any(
        condition.get("type") == "Healthy" and condition.get("status") == "True"
        for condition in status.get("conditions", ())
    )
