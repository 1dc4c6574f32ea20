"""Pods as workloads."""

import pytest

from lateen.api.kubernetes.pod import PodIP, PodSpec, PodStatus
from lateen.api.resource import ObjectMeta, Resource
from lateen.catalog import pod
from lateen.catalog.workload import Place


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        ("web-7d4b9c6f5-x2x7z", {"pod-template-hash": "7d4b9c6f5"}, "web"),
        ("db-0", {"statefulset.kubernetes.io/pod-name": "db-0"}, "db"),
        ("load-x2x7z", {"job-name": "load"}, "load"),
        ("agent-x2x7z", {}, "agent"),
        ("plain", {}, "plain"),
        ("web-1", {"service.istio.io/workload-name": "shop"}, "shop"),
    ],
)
def test_workload_is_the_owner(name: str, labels: dict[str, str], expected: str) -> None:
    assert pod.workload_name(name, labels) == expected


def resource(status: PodStatus | None, **labels: str) -> Resource[PodSpec]:
    return Resource(
        kind="Pod",
        api_version="v1",
        meta=ObjectMeta(name="p", namespace="shop", labels=labels),
        spec=PodSpec(service_account_name="web"),
        status=status,
    )


def test_all_addresses_of_a_running_pod() -> None:
    ips = (PodIP(ip="10.0.0.1"), PodIP(ip="fd00::1"))

    assert pod.addresses(resource(PodStatus(pod_ip="10.0.0.1", pod_ips=ips))) == (
        "10.0.0.1",
        "fd00::1",
    )


def test_finished_pod_has_no_address() -> None:
    assert pod.addresses(resource(PodStatus(phase="Succeeded", pod_ip="10.0.0.1"))) == ()
    assert pod.addresses(resource(None)) == ()


def test_identity_is_of_the_trust_domain() -> None:
    made = pod.workload(resource(PodStatus()), Place(trust_domain="example.org"))

    assert made.service_account == "spiffe://example.org/ns/shop/sa/web"


def test_labels_say_where_it_runs() -> None:
    made = pod.workload(resource(PodStatus()), Place(cluster="east", network="n1"))

    assert dict(made.labels) == {
        "topology.istio.io/cluster": "east",
        "topology.istio.io/network": "n1",
    }
