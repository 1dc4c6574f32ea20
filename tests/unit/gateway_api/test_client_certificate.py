"""The certificate that a Gateway shows to its backends, and when it has none to show."""

import pytest

from lateen.api.resource import Key
from lateen.gateway_api import client_certificate, status
from lateen.gateway_api.sources import GATEWAY
from tests.unit.gateway_api import world

EDGE = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec:
  gatewayClassName: istio
  addresses: [ADDRESSES]
  listeners: [{name: http, port: 80, protocol: HTTP}]
  tls: {backend: {clientCertificateRef: REFERENCE}}
"""
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: own, namespace: NAMESPACE}
stringData: {tls.crt: "-----BEGIN CERTIFICATE-----", tls.key: "-----BEGIN KEY-----"}
"""


@pytest.mark.parametrize(
    ("reference", "addresses", "credential", "reason"),
    [
        ("{name: own}", "", "kubernetes-gateway://infra/own", "ResolvedRefs"),
        ("{name: own}", "{type: Hostname, value: edge}", "", "ResolvedRefs"),
        ("{name: gone}", "", "", "InvalidClientCertificateRef"),
        ("{name: own, kind: ConfigMap}", "", "", "InvalidClientCertificateRef"),
        ("{name: own, namespace: others}", "", "", "RefNotPermitted"),
    ],
)
def test_a_certificate_that_can_be_used_is_shown(
    reference: str, addresses: str, credential: str, reason: str
) -> None:
    gateway = EDGE.replace("REFERENCE", reference).replace("ADDRESSES", addresses)
    secrets = [SECRET.replace("NAMESPACE", namespace) for namespace in ("infra", "others")]
    mesh = world.mesh(gateway, *secrets)

    found = {each.key: each.status for each in status.statuses(mesh)}

    conditions = found[Key(GATEWAY, "infra", "edge")]["conditions"]
    assert client_certificate.credential(mesh, "infra", "edge") == credential
    assert next(each for each in conditions if each["type"] == "ResolvedRefs")["reason"] == reason
