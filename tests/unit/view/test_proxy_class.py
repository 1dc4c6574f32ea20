"""Nodes and the classes they fall into."""

import pytest

from lateen.catalog.service import Locality
from lateen.view.mesh import Mesh
from lateen.view.proxy import Interception, ProxyClass, ProxyKind
from lateen.view.proxy_class import (
    NodeError,
    classify,
    proxy_from_description,
    proxy_from_node,
)
from tests.unit.view.meshes import apply, istio, mesh_of, service

NODE = "sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local"
LABELS = {"app": "web", "pod-template-hash": "abc"}


def class_of(mesh: Mesh, node: str = NODE, **metadata: object) -> ProxyClass:
    return classify(mesh, proxy_from_node(node, {"LABELS": LABELS, **metadata}, mesh).proxy_class)


def test_node_id_and_metadata_are_read() -> None:
    proxy = proxy_from_node(
        NODE,
        {
            "NAMESPACE": "shop",
            "LABELS": {"app": "web"},
            "SERVICE_ACCOUNT": "web",
            "CLUSTER_ID": "east",
            "NETWORK": "n1",
            "INTERCEPTION_MODE": "TPROXY",
            "DNS_CAPTURE": "true",
            "INSTANCE_IPS": "10.0.0.7,fd00::7",
            "ISTIO_VERSION": "1.32.0",
            "UNPRIVILEGED_POD": "true",
            "LOOPBACK_INDEX": "3",
            "HTTP_PROXY_PORT": 15080.0,
        },
        mesh_of(),
        Locality("r", "z"),
    )

    made = proxy.proxy_class
    assert (proxy.id, proxy.kind, proxy.version) == ("web-1.shop", ProxyKind.SIDECAR, "1.32.0")
    assert proxy.addresses == ("10.0.0.7", "fd00::7")
    assert (made.namespace, made.service_account, made.cluster) == ("shop", "web", "east")
    assert (made.network, made.interception) == ("n1", Interception.TPROXY)
    assert (made.dns_capture, made.unprivileged) == (True, True)
    assert (made.loopback_index, made.http_proxy_port) == (3, 15080)
    assert (made.ipv4, made.ipv6) == (True, True)
    assert made.locality == Locality("r", "z")


def test_namespace_is_the_ids_when_metadata_has_none() -> None:
    assert proxy_from_node(NODE, {}, mesh_of()).proxy_class.namespace == "shop"


@pytest.mark.parametrize("node", ["", "sidecar~10.0.0.1", "robot~10.0.0.1~a.b~c", "sidecar~1~~d"])
def test_other_node_ids_are_refused(node: str) -> None:
    with pytest.raises(NodeError):
        proxy_from_node(node, {}, mesh_of())


def test_pods_of_one_workload_are_one_class() -> None:
    mesh = mesh_of(service("web", "selector: {app: web}, ports: [{port: 80}]", "shop"))
    other = NODE.replace("10.0.0.7", "10.0.0.8").replace("web-1", "web-2")

    first = class_of(mesh)
    second = class_of(mesh, other, LABELS=LABELS | {"pod-template-hash": "xyz"})

    assert first == second
    assert first.labels == (("app", "web"),)
    assert first.addresses == ()


def test_volatile_label_counts_once_a_selector_asks_for_it() -> None:
    mesh = mesh_of()
    assert class_of(mesh).label("pod-template-hash") is None

    apply(
        mesh,
        istio("Sidecar", "s", "workloadSelector: {labels: {pod-template-hash: abc}}", "shop"),
    )

    assert class_of(mesh).label("pod-template-hash") == "abc"


def test_own_address_counts_when_an_entry_names_it() -> None:
    mesh = mesh_of()
    assert class_of(mesh).addresses == ()

    apply(
        mesh,
        istio(
            "ServiceEntry", "a",
            "hosts: [a.com], resolution: STATIC, endpoints: [{address: 10.0.0.7}], "
            "ports: [{number: 80, name: http, protocol: HTTP}]",
            "shop",
        ),
    )  # fmt: skip

    assert class_of(mesh).addresses == ("10.0.0.7",)


def test_own_address_counts_behind_a_headless_service() -> None:
    mesh = mesh_of(
        service("web", "clusterIP: None, selector: {app: web}, ports: [{port: 80}]", "shop")
    )

    assert class_of(mesh).addresses == ("10.0.0.7",)


def test_own_address_counts_where_listeners_bind() -> None:
    assert class_of(mesh_of(), INTERCEPTION_MODE="NONE").addresses == ("10.0.0.7",)


def test_description_of_render_is_a_node_too() -> None:
    proxy = proxy_from_description(
        {
            "type": "router",
            "name": "gw",
            "namespace": "edge",
            "ip": "10.0.0.1",
            "labels": {"istio": "x"},
            "metadata": {"DNS_CAPTURE": "true"},
        },
        mesh_of(),
    )

    made = proxy.proxy_class
    assert (proxy.id, proxy.kind, made.namespace) == ("gw.edge", ProxyKind.ROUTER, "edge")
    assert made.labels == (("istio", "x"),)
    assert made.dns_capture
    assert made.service_account == "default"


def test_empty_description_is_a_sidecar_in_the_default_namespace() -> None:
    made = proxy_from_description({}, mesh_of()).proxy_class

    assert (made.kind, made.namespace) == (ProxyKind.SIDECAR, "default")


def test_a_proxy_has_the_labels_of_the_workload_entry_at_its_address() -> None:
    entry = istio(
        "WorkloadEntry", "vm", "address: 10.0.0.7, labels: {app: other, role: db}", namespace="shop"
    )
    elsewhere = istio("WorkloadEntry", "vm", "address: 10.0.0.7, labels: {a: b}", namespace="bank")

    found = class_of(mesh_of(entry + elsewhere))

    assert found.labels == (("app", "web"), ("role", "db"))
