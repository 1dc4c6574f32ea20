"""Credentials of gateways, out of Secrets and ConfigMaps."""

import base64
from dataclasses import replace

import pytest

from lateen.envoy import types
from lateen.translate import secrets
from lateen.translate.secrets import Credential, parse
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyKind
from tests.unit.translate.gateway_world import ROUTER
from tests.unit.translate.outbound_world import apply, mesh_of

CERTIFICATE = "-----BEGIN CERTIFICATE-----\\nY2VydA==\\n-----END CERTIFICATE-----\\n"
KEY = "-----BEGIN PRIVATE KEY-----\\na2V5\\n-----END PRIVATE KEY-----\\n"


def secret(name: str, *, namespace: str = "istio-ingress", **fields: str) -> str:
    entries = ", ".join(f'"{key.replace("_", ".")}": "{text}"' for key, text in fields.items())
    return f"""
apiVersion: v1
kind: Secret
metadata: {{name: {name}, namespace: {namespace}}}
stringData: {{{entries}}}
"""


def served(mesh: Mesh, name: str) -> types.Secret | None:
    found = secrets.secret(mesh, ROUTER, name)
    return types.Secret.FromString(found) if found is not None else None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("kubernetes://web", Credential("Secret", "own", "web", False)),
        ("kubernetes://other/web", Credential("Secret", "other", "web", False)),
        ("kubernetes-gateway://other/web", Credential("Secret", "other", "web", False)),
        ("kubernetes://web-cacert", Credential("Secret", "own", "web-cacert", True)),
        ("configmap://own/roots", Credential("ConfigMap", "own", "roots", True)),
        ("default", None),
        ("invalid://web", None),
        ("kubernetes://", None),
    ],
)
def test_names_say_kind_namespace_and_what_is_wanted(
    name: str, expected: Credential | None
) -> None:
    assert parse(name, "own") == expected


@pytest.mark.parametrize("keys", [("tls_crt", "tls_key"), ("cert", "key")])
def test_a_certificate_is_found_under_either_spelling(keys: tuple[str, str]) -> None:
    mesh = mesh_of(secret("web", **{keys[0]: CERTIFICATE, keys[1]: KEY}))

    found = served(mesh, "kubernetes://web")

    assert found is not None
    assert found.name == "kubernetes://web"
    assert found.tls_certificate.certificate_chain.inline_bytes.startswith(b"-----BEGIN CERT")
    assert found.tls_certificate.private_key.inline_bytes.startswith(b"-----BEGIN PRIVATE")


def test_encoded_data_is_decoded() -> None:
    def encoded(text: str) -> str:
        return base64.b64encode(text.replace("\\n", "\n").encode()).decode()

    text = secret("web", tls_crt=encoded(CERTIFICATE), tls_key=encoded(KEY))
    mesh = mesh_of(text.replace("stringData", "data"))

    assert served(mesh, "kubernetes://web") is not None


def test_roots_are_those_of_the_cacert_secret_or_of_the_secret_itself() -> None:
    mesh = mesh_of(secret("web", ca_crt=CERTIFICATE.replace("Y2Vy", "b25l")))
    first = served(mesh, "kubernetes://web-cacert")
    apply(mesh, secret("web-cacert", cacert=CERTIFICATE))
    second = served(mesh, "kubernetes://web-cacert")

    assert first is not None
    assert second is not None
    assert b"b25l" in first.validation_context.trusted_ca.inline_bytes
    assert b"Y2Vy" in second.validation_context.trusted_ca.inline_bytes


def test_roots_may_come_from_a_config_map() -> None:
    mesh = mesh_of(secret("roots", ca_crt=CERTIFICATE).replace("Secret", "ConfigMap").replace(
        "stringData", "data"))  # fmt: skip

    assert served(mesh, "configmap://istio-ingress/roots") is not None


def test_what_is_absent_or_unreadable_is_not_served() -> None:
    mesh = mesh_of(secret("broken", tls_crt="no certificate", tls_key=KEY), secret("empty"))

    assert served(mesh, "kubernetes://absent") is None
    assert served(mesh, "kubernetes://broken") is None
    assert served(mesh, "kubernetes://empty") is None


def test_secrets_of_other_namespaces_are_refused() -> None:
    mesh = mesh_of(secret("web", namespace="shop", tls_crt=CERTIFICATE, tls_key=KEY))

    assert served(mesh, "kubernetes://shop/web") is None
    assert served(mesh, "kubernetes-gateway://shop/web") is None


RULE = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: partner, namespace: istio-ingress}
spec:
  host: partner.example.com
  workloadSelector: {matchLabels: {app: web}}
  trafficPolicy: {tls: {mode: MUTUAL, credentialName: web}}
"""


def test_a_sidecar_is_served_what_a_rule_made_for_it_names_and_nothing_else() -> None:
    mesh = mesh_of(
        secret("web", tls_crt=CERTIFICATE, tls_key=KEY, ca_crt=CERTIFICATE),
        secret("other", tls_crt=CERTIFICATE, tls_key=KEY), RULE,
    )  # fmt: skip
    chosen = replace(ROUTER, kind=ProxyKind.SIDECAR, labels=(("app", "web"),))
    stranger = replace(chosen, labels=(("app", "x"),))

    assert secrets.secret(mesh, chosen, "kubernetes://web") is not None
    assert secrets.secret(mesh, chosen, "kubernetes://web-cacert") is not None
    assert secrets.secret(mesh, chosen, "kubernetes://other") is None
    assert secrets.secret(mesh, stranger, "kubernetes://web") is None


def test_a_replaced_certificate_reaches_the_cell() -> None:
    mesh = mesh_of(secret("web", tls_crt=CERTIFICATE, tls_key=KEY))
    node = secrets.secret.node(mesh, ROUTER, "kubernetes://web")
    before = node.read()

    apply(mesh, secret("web", tls_crt=CERTIFICATE.replace("Y2Vy", "bmV3"), tls_key=KEY))

    assert node.read() != before


PUBLIC_ROOT = f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: NAME, namespace: shop}}
data: {{ca.crt: "{CERTIFICATE}"}}
"""
POLICY = """
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: web, namespace: shop}
spec:
  targetRefs: [{group: "", kind: Service, name: web}]
  validation: {hostname: web, caCertificateRefs: [{group: "", kind: ConfigMap, name: named}]}
"""


@pytest.mark.parametrize("kind", [ProxyKind.ROUTER, ProxyKind.SIDECAR])
@pytest.mark.parametrize(("name", "is_served"), [("named", True), ("other", False)])
def test_roots_that_a_policy_names_are_for_proxies_of_all_namespaces(
    kind: ProxyKind, name: str, is_served: bool
) -> None:
    mesh = mesh_of(PUBLIC_ROOT.replace("NAME", name), POLICY)
    client = replace(ROUTER, kind=kind, namespace="elsewhere")

    found = secrets.secret(mesh, client, f"configmap://shop/{name}-cacert")

    assert (found is not None) == is_served


LISTENER_SET = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: istio-ingress}
spec:
  gatewayClassName: istio
  addresses: [{type: Hostname, value: edge}]
  allowedListeners: {namespaces: {from: ALLOWED}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: shop, namespace: shop}
spec:
  parentRef: {name: edge, namespace: istio-ingress}
  listeners:
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: web}]}}
"""


@pytest.mark.parametrize(("allowed", "is_served"), [("All", True), ("Same", False)])
def test_certificates_of_a_listener_set_are_for_the_proxy_of_its_gateway(
    allowed: str, is_served: bool
) -> None:
    held = secret("web", namespace="shop", tls_crt=CERTIFICATE, tls_key=KEY)
    mesh = mesh_of(held, LISTENER_SET.replace("ALLOWED", allowed))

    assert (served(mesh, "kubernetes-gateway://shop/web") is not None) == is_served
    assert served(mesh, "kubernetes-gateway://shop/other") is None
