"""Which tokens the real Envoy accepts by our filter, and what it hands on of them."""

import base64
import hashlib
import hmac
import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.properties.authorization.enforcing import enforcing, plain_listener, port_of

pytestmark = pytest.mark.envoy

ISSUER, OTHER = "https://issuer.example.com", "other"
FAR, PAST = 4_000_000_000, 1_000_000_000
SEEN = ("authorization", "x-payload", "x-sub", "x-role", "x-groups", "x-other")
CURVES = {"ES256": (ec.SECP256R1, "P-256"), "ES384": (ec.SECP384R1, "P-384")}
CURVES |= {"ES512": (ec.SECP521R1, "P-521")}
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Signer:
    """Private keys of every kind; `keys` is what an issuer would publish."""

    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(65537, 2048)
        self.ec = {name: ec.generate_private_key(curve()) for name, (curve, _) in CURVES.items()}
        self.ed = ed25519.Ed25519PrivateKey.generate()

    @property
    def keys(self) -> list[dict[str, str]]:
        numbers = self.rsa.public_key().public_numbers()
        found = [{"kty": "RSA", "kid": "rsa", "n": number(numbers.n), "e": number(numbers.e)}]
        for name, key in self.ec.items():
            point, size = key.public_key().public_numbers(), (key.key_size + 7) // 8
            x, y = (encoded(value.to_bytes(size, "big")) for value in (point.x, point.y))
            found.append({"kty": "EC", "kid": name, "crv": CURVES[name][1], "x": x, "y": y})
        raw = self.ed.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        return [*found, {"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": encoded(raw)}]

    def sign(self, algorithm: str, content: bytes) -> bytes:
        if algorithm == "EdDSA":
            return self.ed.sign(content)
        digest = HASHES[algorithm[2:]]()
        if algorithm.startswith("ES"):
            key = self.ec[algorithm]
            r, s = decode_dss_signature(key.sign(content, ec.ECDSA(digest)))
            size = (key.key_size + 7) // 8
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        if algorithm.startswith("PS"):
            salted = padding.PSS(padding.MGF1(digest), digest.digest_size)
            return self.rsa.sign(content, salted, digest)
        return self.rsa.sign(content, padding.PKCS1v15(), digest)

    def token(self, algorithm: str = "RS256", *, kid: str | None = "rsa", **claims: Any) -> str:
        head = {"alg": algorithm, "typ": "JWT"} | ({"kid": kid} if kid is not None else {})
        payload = {"iss": ISSUER, "sub": "alice", "exp": FAR} | claims
        payload = {name: value for name, value in payload.items() if value is not None}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in (head, payload))
        return f"{signed}.{encoded(self.sign(algorithm, signed.encode()))}"


@dataclass
class Asked:
    status: int
    headers: dict[str, str]


@dataclass
class Server:
    port: int
    signer: Signer

    def ask(self, token: str = "", path: str = "/", method: str = "GET", **headers: str) -> Asked:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["authorization"] = f"Bearer {token}"
        connection.request(method, path, headers=sent)
        answer = connection.getresponse()
        answer.read()
        found = {name.lower(): value for name, value in answer.getheaders()}
        connection.close()
        return Asked(answer.status, found)


def rules(signer: Signer) -> list[dict[str, Any]]:
    keys = json.dumps({"keys": signer.keys})
    return [
        {
            "issuer": ISSUER,
            "jwks": keys,
            "outputPayloadToHeader": "x-payload",
            "outputClaimToHeaders": [
                {"header": "x-sub", "claim": "sub"},
                {"header": "x-role", "claim": "nested.role"},
                {"header": "x-groups", "claim": "groups"},
            ],
        },
        {
            "issuer": OTHER,
            "jwks": keys,
            "audiences": ["shop", "bank"],
            "fromHeaders": [{"name": "x-token", "prefix": "Token "}],
            "fromParams": ["token"],
            "fromCookies": ["session"],
            "forwardOriginalToken": True,
            "outputClaimToHeaders": [{"header": "x-other", "claim": "sub"}],
        },
    ]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    signer = Signer()
    listener = plain_listener(rules(signer), SEEN)
    with enforcing(listener):
        yield Server(port_of(listener), signer)


def payload(asked: Asked) -> dict[str, Any]:
    text = asked.headers["x-seen-x-payload"]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


def test_no_token_is_fine(server: Server) -> None:
    assert server.ask().status == 200


@pytest.mark.parametrize(
    ("algorithm", "kid"),
    [
        *((name, "rsa") for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
        *((name, name) for name in CURVES),
        ("EdDSA", "ed"),
    ],
)
def test_a_good_token_is_accepted(server: Server, algorithm: str, kid: str) -> None:
    assert server.ask(server.signer.token(algorithm, kid=kid)).status == 200
    assert server.ask(server.signer.token(algorithm, kid=None)).status == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": PAST},
        {"nbf": FAR},
        {"iss": "https://nobody.example.com"},
        {"iss": None},
        {"iss": OTHER},
        {"iss": OTHER, "aud": "bakery"},
    ],
)
def test_claims_that_do_not_hold_are_refused(server: Server, claims: dict[str, Any]) -> None:
    assert server.ask(server.signer.token(**claims)).status in (401, 403)


def test_a_key_of_another_name_is_not_tried(server: Server) -> None:
    assert server.ask(server.signer.token(kid="ES256")).status == 401
    assert server.ask(server.signer.token(kid="unknown")).status == 401


def test_a_token_without_signature_is_refused(server: Server) -> None:
    head = encoded(b'{"alg":"none","kid":"rsa"}')
    body = encoded(json.dumps({"iss": ISSUER, "sub": "alice", "exp": FAR}).encode())

    assert server.ask(f"{head}.{body}.").status == 401
    assert server.ask(f"{head}.{body}.x").status == 401


def test_a_public_key_is_no_shared_secret(server: Server) -> None:
    public = server.signer.rsa.public_key()
    head = encoded(b'{"alg":"HS256","kid":"rsa"}')
    body = encoded(json.dumps({"iss": ISSUER, "sub": "alice", "exp": FAR}).encode())
    for form in (serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1):
        secret = public.public_bytes(serialization.Encoding.PEM, form)
        mac = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
        assert server.ask(f"{head}.{body}.{encoded(mac)}").status == 401


def test_a_changed_token_is_refused(server: Server) -> None:
    head, body, signature = server.signer.token().split(".")
    other = encoded(json.dumps({"iss": ISSUER, "sub": "root", "exp": FAR}).encode())

    assert server.ask(f"{head}.{other}.{signature}").status == 401
    assert server.ask(f"{head}.{body}.{signature[:-8]}").status == 401
    assert server.ask("garbage").status == 401


def test_the_payload_and_claims_go_on_and_the_token_does_not(server: Server) -> None:
    token = server.signer.token(nested={"role": "owner"}, groups=["a", "b"])
    asked = server.ask(token)

    assert asked.headers["x-seen-x-sub"] == "alice"
    assert asked.headers["x-seen-x-role"] == "owner"
    assert payload(asked)["groups"] == ["a", "b"]
    assert "x-seen-authorization" not in asked.headers


def test_headers_that_claims_are_written_to_cannot_be_forged(server: Server) -> None:
    forged = {"x_sub": "root", "x_role": "owner", "x_payload": "e30", "x_other": "root"}

    without = server.ask(**forged)
    assert without.status == 200
    assert not [name for name in without.headers if name.startswith("x-seen-")]
    with_token = server.ask(server.signer.token(), **forged)
    assert with_token.headers["x-seen-x-sub"] == "alice"
    assert "x-seen-x-role" not in with_token.headers
    assert "x-seen-x-other" not in with_token.headers


def test_a_preflight_of_cors_is_not_checked(server: Server) -> None:
    asked = {"origin": "https://a.example.com", "access_control_request_method": "GET"}

    assert server.ask("garbage", method="OPTIONS", **asked).status == 200
    assert server.ask("garbage", method="OPTIONS").status == 401
    assert server.ask("garbage", **asked).status == 401
    forged = server.ask(method="OPTIONS", x_sub="root", **asked)
    assert "x-seen-x-sub" not in forged.headers


def test_tokens_are_taken_from_where_the_rule_says(server: Server) -> None:
    token = server.signer.token(iss=OTHER, aud=["bank"])

    assert server.ask(x_token=f"Token {token}").headers["x-seen-x-other"] == "alice"
    assert server.ask(path=f"/?token={token}").headers["x-seen-x-other"] == "alice"
    assert server.ask(cookie=f"a=b; session={token}").headers["x-seen-x-other"] == "alice"
    assert "x-seen-x-other" not in server.ask(x_token=token).headers
    assert server.ask(cookie="session=garbage").status == 401


def test_a_bad_token_beside_a_good_one_gives_nothing(server: Server) -> None:
    good = server.signer.token()
    bad = server.signer.token(iss=OTHER, aud="bank", exp=PAST)

    asked = server.ask(good, path=f"/?token={bad}", x_other="root")
    assert asked.headers["x-seen-x-sub"] == "alice"
    assert "x-seen-x-other" not in asked.headers


def test_keys_that_nobody_has_accept_nothing(tmp_path: Path) -> None:
    signer = Signer()
    rule = {"issuer": ISSUER, "jwksUri": "https://keys.example.com/none"}
    listener = plain_listener([rule], SEEN)
    with enforcing(listener):
        server = Server(port_of(listener), signer)
        assert server.ask().status == 200
        for algorithm, kid in (("RS256", "rsa"), ("ES256", "nobody"), ("ES256", None)):
            assert server.ask(signer.token(algorithm, kid=kid)).status == 401
