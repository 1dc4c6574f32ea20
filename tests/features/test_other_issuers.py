"""Tokens of Kubernetes and of OpenID providers: what they buy, and the audit line of what not."""

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from lateen.audit.line import Line
from lateen.control import authentication
from lateen.control.authentication import AuthenticationOptions
from lateen.identity.errors import IdentityError
from lateen.jwks.reach import Reach
from lateen.jwks.settings import KeySettings
from lateen.xds import kinds
from tests.features.proofs import certificate, channel
from tests.features.running_plane import RunningPlane, control_plane, run, until
from tests.features.test_audit import trail
from tests.features.test_secure_port import MESH, stream
from tests.kubernetes_api import TOKEN, KubernetesApi, kubernetes_api
from tests.unit.ca.test_kubernetes_signer import COMPANY
from tests.unit.identity.test_issuers import NAME, RSA, jwk, jwks, token

NOW = time.time()
VALID = {"iat": NOW, "nbf": NOW, "exp": NOW + 600}


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def options(folder: Path, **sections: Any) -> AuthenticationOptions:
    path = folder / "authentication.yaml"
    path.write_text(yaml.safe_dump(sections))
    return authentication.read(path)


def by_file(folder: Path, **more: Any) -> AuthenticationOptions:
    (folder / "issuer.jwks").write_bytes(jwks(jwk(RSA, kid="r")))
    return options(folder, issuers=[{"issuer": NAME, "keys": "issuer.jwks", **more}])


def service_account(**claims: Any) -> str:
    return token(claims={**VALID, **claims})


async def identity(control: RunningPlane, bearer: str) -> str:
    _, chain = await certificate(control, bearer)
    leaf = x509.load_pem_x509_certificate(chain[0].encode())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return str(names.get_values_for_type(x509.UniformResourceIdentifier)[0])


async def refused(control: RunningPlane, bearer: str, count: int = 1) -> Line:
    """The audit line of a token that buys nothing."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await certificate(control, bearer)
    assert refusal.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert bearer not in (refusal.value.details() or "")
    line = (await trail(control, "authenticate", count))[-1]
    assert (line.decision, line.actor, line.object) == ("refused", "", "certificate")
    return line


def test_a_service_account_token_buys_a_certificate_and_opens_discovery(folder: Path) -> None:
    async def main() -> None:
        async with (
            control_plane(MESH, secure=True, authentication=by_file(folder)) as control,
            channel(control) as opened,
        ):
            bearer = service_account()
            assert await identity(control, bearer) == "spiffe://cluster.local/ns/shop/sa/web"
            metadata = (("authorization", f"Bearer {bearer}"),)
            await stream(opened, namespace="shop", metadata=metadata).subscribe(kinds.CLUSTER)
            lines = await trail(control, "authenticate", 2)
        assert [line.proof for line in lines] == [f"token {NAME}"] * 2

    run(main)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "kubernetes"}, "not for the audience istio-ca"),
        ({"iss": "https://elsewhere"}, "another issuer"),
        ({"sub": "system:serviceaccount:bank:web"}, "may not speak for 'bank'"),
        ({"exp": NOW - 60}, "has expired"),
        ({"nbf": NOW + 600}, "not valid yet"),
    ],
)
def test_tokens_that_are_off_are_refused_with_an_audit_line(
    folder: Path, claims: dict[str, Any], reason: str
) -> None:
    async def main() -> None:
        settings = by_file(folder, namespaces=["shop"])
        async with control_plane(MESH, secure=True, authentication=settings) as control:
            line = await refused(control, service_account(**claims))
        assert reason in line.reason

    run(main)


def test_keys_in_a_file_are_followed(folder: Path) -> None:
    other = rsa.generate_private_key(65537, 2048)

    async def main() -> None:
        async with control_plane(MESH, secure=True, authentication=by_file(folder)) as control:
            await identity(control, service_account())
            (folder / "issuer.jwks").write_bytes(jwks(jwk(other, kid="r")))

            async def rotated() -> bool:
                try:
                    await identity(control, service_account())
                except grpc.aio.AioRpcError:
                    return True
                return False

            await until(rotated, "the old key is no longer believed")
            assert await identity(control, token(key=other, claims=VALID))

    run(main)


def test_an_api_server_says_whose_a_token_is(folder: Path) -> None:
    api = KubernetesApi(COMPANY, "none")
    good, other = service_account(iss="https://a"), service_account(iss="https://b")
    api.accounts = {good: "system:serviceaccount:shop:web", other: "system:serviceaccount:shop:b"}
    api.audiences = {other: ["vault"]}

    async def main(server: KubernetesApi) -> None:
        (folder / "token").write_text(TOKEN)
        review = {"server": server.address, "caFile": server.ca_file, "tokenFile": "token"}
        settings = options(folder, tokenReview=review)
        async with control_plane(MESH, secure=True, authentication=settings) as control:
            for _ in range(3):
                assert await identity(control, good) == "spiffe://cluster.local/ns/shop/sa/web"
            assert server.seen.count("review") == 1  # the answer is remembered
            line = await refused(control, other, 4)
            assert "does not know the token" in line.reason
            line = await refused(control, service_account(iss="https://c"), 5)
            assert "does not know the token" in line.reason
            seen = server.seen.count("review")
            line = await refused(control, "x" * 9000, 6)
            assert server.seen.count("review") == seen

    with kubernetes_api(api, folder) as server:
        run(lambda: main(server))


def test_while_the_api_server_is_away_no_token_is_believed(folder: Path) -> None:
    (folder / "token").write_text(TOKEN)
    (folder / "ca").write_text(COMPANY.root_bundle)
    review = {"server": "https://127.0.0.1:1", "caFile": "ca", "tokenFile": "token"}

    async def main() -> None:
        settings = options(folder, tokenReview=review)
        async with control_plane(MESH, secure=True, authentication=settings) as control:
            line = await refused(control, service_account())
        assert "does not answer" in line.reason

    run(main)


@contextmanager
def provider(pages: dict[str, bytes]) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = pages.get(self.path, b"")
            self.send_response(200 if content else 404)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *words: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("discovery", [True, False])
def test_an_openid_provider_is_believed_by_the_keys_it_publishes(
    folder: Path, discovery: bool
) -> None:
    pages = {"/keys": jwks(jwk(RSA, kid="r"))}

    async def main(address: str) -> None:
        pages["/.well-known/openid-configuration"] = json.dumps(
            {"issuer": address, "jwks_uri": f"{address}/keys"}
        ).encode()
        section = {"issuer": address, "claims": {"namespace": "team", "serviceAccount": "app"}}
        if not discovery:
            section["jwksUri"] = f"{address}/keys"
        settings = options(folder, issuers=[section])
        bearer = token(claims={**VALID, "iss": address, "sub": "x", "team": "shop", "app": "cart"})
        allowed = KeySettings(reach=Reach.parse(("127.0.0.1",)))
        async with control_plane(
            MESH, secure=True, authentication=settings, keys=allowed
        ) as control:

            async def believed() -> bool:
                try:
                    found = await identity(control, bearer)
                except grpc.aio.AioRpcError:
                    return False
                return found == "spiffe://cluster.local/ns/shop/sa/cart"

            await until(believed, "the keys were fetched")
        async with control_plane(MESH, secure=True, authentication=settings) as control:
            line = await refused(control, bearer)  # loopback is not reached unless allowed
            assert "keys of" in line.reason

    with provider(pages) as address:
        run(lambda: main(address))


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"issuers": [{"issuer": "lateen", "keys": "x"}]}, "ours"),
        ({"issuers": [{"issuer": "", "keys": "x"}]}, "empty"),
        ({"issuers": [{"issuer": "a", "keys": "x"}, {"issuer": "a", "keys": "y"}]}, "twice"),
        ({"issuers": [{"issuer": "a", "keys": "x", "audiences": []}]}, "needs an audience"),
        ({"issuers": [{"issuer": "a", "keys": "x", "jwksUri": "y"}]}, "keys and a jwksUri"),
        ({"isuers": []}, "isuers"),
        ({"issuers": [{"issuer": "a", "claims": {"namespace": "n"}}]}, "serviceAccount"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(
    folder: Path, sections: dict[str, Any], reason: str
) -> None:
    with pytest.raises(IdentityError, match=reason):
        options(folder, **sections)
