"""Which tokens a workload accepts."""

import base64
import hashlib
import itertools
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from lateen.envoy import messages
from lateen.translate.authorization import tokens
from lateen.translate.listeners import inbound
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from tests.envoy_check import assert_accepted
from tests.unit.translate.outbound_world import mesh_of

WORKLOAD = ProxyClass(namespace="shop", labels=(("app", "web"),))
KEYS = '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}'


def authentication(name: str, rules: str, *, more: str = "") -> str:
    return f"""
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {{name: {name}, namespace: shop}}
spec: {{jwtRules: [{rules}]{more}}}
"""


def config(mesh: Mesh) -> dict[str, Any]:
    made = tokens.http_filter(mesh, WORKLOAD)
    assert made is not None
    found: dict[str, Any] = messages.to_json(made)["typed_config"]
    return found


def test_without_rules_there_is_no_filter() -> None:
    other = authentication("a", "{issuer: a}", more=", selector: {matchLabels: {app: other}}")

    assert tokens.http_filter(mesh_of(), WORKLOAD) is None
    assert tokens.http_filter(mesh_of(other), WORKLOAD) is None


def test_a_request_needs_no_token_but_a_bad_one_is_refused() -> None:
    made = config(mesh_of(authentication("a", f"{{issuer: a, jwks: '{KEYS}'}}")))

    assert made["rules"] == [
        {
            "match": {"prefix": "/"},
            "requires": {
                "requires_any": {
                    "requirements": [{"provider_name": "origins-0"}, {"allow_missing": {}}]
                }
            },
        }
    ]


def test_all_resources_combine_by_issuer() -> None:
    mesh = mesh_of(authentication("x", "{issuer: b}"), authentication("z", "{issuer: a}"))

    made = config(mesh)

    assert {name: each["issuer"] for name, each in made["providers"].items()} == {
        "origins-0": "a",
        "origins-1": "b",
    }
    choices = made["rules"][0]["requires"]["requires_any"]["requirements"]
    assert [each.get("provider_name") for each in choices] == ["origins-0", "origins-1", None]
    assert len(choices[2]["requires_all"]["requirements"]) == 2


def test_a_rules_fields_reach_the_provider() -> None:
    made = config(
        mesh_of(
            authentication(
                "a",
                f"""{{issuer: a, audiences: [x], jwks: '{KEYS}', forwardOriginalToken: true,
                fromHeaders: [{{name: x-jwt, prefix: "Bearer "}}], fromParams: [t],
                fromCookies: [c], outputPayloadToHeader: x-payload,
                outputClaimToHeaders: [{{header: x-sub, claim: sub}}],
                spaceDelimitedClaims: [roles]}}""",
            )
        )
    )

    provider = made["providers"]["origins-0"]
    assert provider["audiences"] == ["x"]
    assert provider["local_jwks"] == {"inline_string": KEYS}
    assert provider["from_headers"] == [{"name": "x-jwt", "value_prefix": "Bearer "}]
    assert (provider["from_params"], provider["from_cookies"]) == (["t"], ["c"])
    assert provider["claim_to_headers"] == [{"header_name": "x-sub", "claim_name": "sub"}]
    assert provider["forward"] is True
    assert provider["payload_in_metadata"] == "payload"
    split = provider["normalize_payload_in_metadata"]["space_delimited_claims"]
    assert split == ["permission", "roles", "scope"]


def test_keys_of_a_service_of_the_mesh_are_fetched_by_the_proxy() -> None:
    service = """
apiVersion: v1
kind: Service
metadata: {name: issuer, namespace: shop}
spec: {clusterIP: 10.0.0.5, ports: [{name: http, port: 8000}]}
"""
    uri = "http://issuer.shop.svc.cluster.local:8000/keys"
    made = config(mesh_of(service, authentication("a", f"{{issuer: a, jwksUri: '{uri}'}}")))

    remote = made["providers"]["origins-0"]["remote_jwks"]["http_uri"]
    assert remote == {
        "uri": uri,
        "cluster": "outbound|8000||issuer.shop.svc.cluster.local",
        "timeout": "5s",
    }


def test_without_keys_no_token_is_good() -> None:
    made = config(mesh_of(authentication("a", "{issuer: a, jwksUri: 'https://a.example.com/k'}")))

    assert '"kid": "nobody"' in made["providers"]["origins-0"]["local_jwks"]["inline_string"]


def test_nobody_can_have_chosen_the_key_that_nobody_has() -> None:
    key = tokens.NOBODY["keys"][0]
    x, y = (int.from_bytes(base64.urlsafe_b64decode(key[name] + "=")) for name in ("x", "y"))

    assert ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()  # it is on the curve
    for attempt in itertools.count():
        text = f"lateen: a key that nobody has, {attempt}"
        hashed = hashlib.sha256(text.encode()).digest()
        try:
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x02" + hashed)
        except ValueError:
            continue
        assert x == int.from_bytes(hashed)
        return


@pytest.mark.envoy
def test_envoy_accepts_the_filter() -> None:
    mesh = mesh_of(
        authentication("a", f"{{issuer: a, jwks: '{KEYS}'}}, {{issuer: b, jwksUri: 'https://b/k'}}")
    )

    assert_accepted(listeners=[inbound.listener(mesh, WORKLOAD, "virtualInbound")])
