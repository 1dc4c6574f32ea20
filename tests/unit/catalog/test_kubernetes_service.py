"""Kubernetes Services as services of the mesh."""

from typing import Any

import pytest

from lateen.api.kubernetes.service import ServicePort, ServiceSpec
from lateen.api.resource import ObjectMeta, Resource
from lateen.catalog import kubernetes_service
from lateen.catalog.service import Protocol, Service

ANNOTATION = "networking.istio.io/traffic-distribution"


def made(spec: ServiceSpec, annotations: dict[str, str] | None = None, **more: Any) -> Service:
    meta = ObjectMeta(name="web", namespace="shop", annotations=annotations or {})
    resource = Resource(kind="Service", api_version="v1", meta=meta, spec=spec)
    return kubernetes_service.service(resource, domain="cluster.local", **more)


def test_hostname_is_of_the_domain() -> None:
    assert made(ServiceSpec()).hostname == "web.shop.svc.cluster.local"


def test_ports_keep_their_target() -> None:
    ports = (
        ServicePort(name="http", port=80, target_port="web"),
        ServicePort(name="tcp", port=90, target_port=9090),
        ServicePort(name="x", port=91),
    )

    service = made(ServiceSpec(ports=ports))

    assert [port.target_port for port in service.ports] == ["web", 9090, None]
    assert [port.protocol for port in service.ports] == [
        Protocol.HTTP,
        Protocol.TCP,
        Protocol.UNSUPPORTED,
    ]


def test_written_addresses_beat_the_allocated_one() -> None:
    both = ServiceSpec(cluster_ip="10.0.0.1", cluster_ips=("10.0.0.1", "fd00::1"))

    assert made(both, allocated="1.1.1.1").addresses == ("10.0.0.1", "fd00::1")
    assert made(ServiceSpec(), allocated="1.1.1.1").addresses == ("1.1.1.1",)


def test_headless_service_has_no_address() -> None:
    service = made(ServiceSpec(cluster_ip="None"))

    assert service.headless
    assert service.addresses == ()


@pytest.mark.parametrize(
    ("field", "own", "of_namespace", "expected"),
    [
        (None, "PreferSameNode", "PreferClose", "PreferSameNode"),
        (None, None, "preferclose", "PreferClose"),
        ("PreferSameZone", "PreferClose", None, "PreferSameZone"),
        (None, None, None, ""),
        (None, "sometimes", None, ""),
    ],
)
def test_traffic_distribution_by_field_then_annotations(
    field: str | None, own: str | None, of_namespace: str | None, expected: str
) -> None:
    service = made(
        ServiceSpec(traffic_distribution=field),
        {ANNOTATION: own} if own else {},
        of_namespace={ANNOTATION: of_namespace} if of_namespace else {},
    )

    assert service.traffic_distribution == expected


def test_exports_are_those_of_the_annotation() -> None:
    service = made(ServiceSpec(), {"networking.istio.io/exportTo": "., far"})

    assert service.export_to == frozenset(("shop", "far"))
