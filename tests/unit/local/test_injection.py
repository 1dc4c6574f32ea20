"""Which pods get a proxy."""

import pytest

from lateen.api.kubernetes.pod import Container, PodSpec, PodTemplateSpec
from lateen.api.resource import ObjectMeta
from lateen.local.injection import ProxyRole, is_proxy, role

ENABLED = {"istio-injection": "enabled"}


def template(
    *,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    container: Container | None = None,
    host_network: bool = False,
) -> PodTemplateSpec:
    meta = ObjectMeta(labels=labels or {}, annotations=annotations or {})
    containers = (container or Container(name="main", image="app"),)
    return PodTemplateSpec(
        metadata=meta, spec=PodSpec(containers=containers, host_network=host_network)
    )


@pytest.mark.parametrize(
    ("namespace", "pod", "expected"),
    [
        ({}, {}, ProxyRole.NONE),
        (ENABLED, {}, ProxyRole.SIDECAR),
        ({"istio.io/rev": "stable"}, {}, ProxyRole.SIDECAR),
        ({}, {"sidecar.istio.io/inject": "true"}, ProxyRole.SIDECAR),
        (ENABLED, {"sidecar.istio.io/inject": "false"}, ProxyRole.NONE),
        ({"istio-injection": "disabled"}, {"sidecar.istio.io/inject": "true"}, ProxyRole.NONE),
        ({}, {"istio.io/rev": "stable"}, ProxyRole.SIDECAR),
    ],
)
def test_labels_decide(namespace: dict[str, str], pod: dict[str, str], expected: ProxyRole) -> None:
    assert role(template(labels=pod), "shop", namespace) is expected


def test_host_network_gets_no_proxy() -> None:
    assert role(template(host_network=True), "shop", ENABLED) is ProxyRole.NONE


def test_system_namespace_gets_no_proxy() -> None:
    assert role(template(), "kube-system", ENABLED) is ProxyRole.NONE


def test_gateway_template_makes_a_gateway() -> None:
    made = template(annotations={"inject.istio.io/templates": "gateway"})

    assert role(made, "shop", {}) is ProxyRole.GATEWAY


@pytest.mark.parametrize("image", ["auto", "docker.io/istio/proxyv2:1.30.0"])
def test_proxy_container_alone_is_a_gateway(image: str) -> None:
    made = template(container=Container(name="istio-proxy", image=image))

    assert role(made, "shop", {}) is ProxyRole.GATEWAY


def test_proxy_container_beside_a_sidecar_is_not_run() -> None:
    assert is_proxy(Container(name="istio-proxy"), ProxyRole.SIDECAR)
    assert not is_proxy(Container(name="istio-proxy"), ProxyRole.NONE)
