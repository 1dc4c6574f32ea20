"""Key sets that the control plane must not be made to fetch, or to believe."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from lateen.jwks.reach import Reach
from lateen.jwks.settings import KeySettings
from lateen.xds import kinds
from tests.abuse import wire
from tests.abuse.conftest import Target
from tests.abuse.tokens import AUDIENCE, Issuer
from tests.features.running_plane import control_plane, run, until
from tests.mesh.running import eventually
from tests.unit.jwks.server import RSA_KEY, answer, key_server, keys
from tests.unit.xds.ads_client import ads

pytestmark = [pytest.mark.envoy, pytest.mark.root]

INNER = [
    "http://127.0.0.1:{port}/keys",
    "http://localhost:{port}/keys",
    "http://127.1:{port}/keys",
    "http://2130706433:{port}/keys",
    "http://0x7f000001:{port}/keys",
    "http://0.0.0.0:{port}/keys",
    "http://[::1]:{port}/keys",
    "http://[::ffff:127.0.0.1]:{port}/keys",
    "http://user@127.0.0.1:{port}/keys",
    "http://169.254.169.254/latest/meta-data/keys",
    "http://[fe80::1]/keys",
    "http://224.0.0.1/keys",
]
NO_URL = ["file:///etc/passwd", "gopher://127.0.0.1/keys", "http://", "http://a b/keys"]


@dataclass
class KeyServer:
    """Gives the keys of an issuer to whoever asks, and remembers that somebody did."""

    issuer: Issuer
    port: int = 0
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[KeyServer]:
    found = KeyServer(Issuer("inner"))

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            content = found.issuer.key_set.encode()
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """In silence."""

    with http.server.ThreadingHTTPServer(("0.0.0.0", 0), Answer) as listening:
        found.port = listening.server_port
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield found
        listening.shutdown()
        thread.join()


def rules(urls: list[str]) -> str:
    lines = "".join(
        f"  - {{issuer: inner-{number}, audiences: [{AUDIENCE}], jwksUri: '{url}'}}\n"
        for number, url in enumerate(urls)
    )
    return (
        "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\n"
        "metadata: {name: inner, namespace: app}\n"
        f"spec:\n  selector: {{matchLabels: {{app: reviews}}}}\n  jwtRules:\n{lines}"
    )


def test_keys_of_inner_addresses_are_neither_fetched_nor_believed(
    target: Target, server: KeyServer
) -> None:
    urls = [url.format(port=server.port) for url in INNER]
    target.mesh.apply("inner.yaml", rules(urls))

    def status(number: int) -> int:
        token = server.issuer.token(iss=f"inner-{number}")
        return wire.plain(target.gateway, wire.get("/a", authorization=f"Bearer {token}")).status

    try:
        for number in range(len(urls)):
            eventually(lambda n=number: {status(n) for _ in range(4)}, lambda found: found == {401})  # type: ignore[misc]
        assert server.asked == []
        assert wire.plain(target.gateway, wire.get("/a")).status == 200
    finally:
        target.mesh.remove("inner.yaml")


@pytest.mark.parametrize("url", NO_URL)
def test_what_is_no_address_of_keys_is_refused_when_it_is_written(target: Target, url: str) -> None:
    done = target.mesh.lateen("validate", "-f", "-", check=False, stdin=rules([url]))
    assert done.returncode == 1
    assert "jwksUri" in done.stdout


OFTEN = KeySettings(refresh_seconds=0.1, reach=Reach.parse(allow=["127.0.0.1"]))
FRONT = {"app": "front"}
HARMFUL: dict[str, tuple[bytes | None, str]] = {
    "redirect": (answer(b"", "302 Found", "location: http://127.0.0.1:{port}/inside"), "redirect"),
    "huge": (answer(b"x" * 5_000_000), "larger than"),
    "endless head": (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 50_000, "too long"),
    "slow": (None, "within"),
    "no keys": (answer(b"<html>"), ""),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_a_harmful_key_server_harms_nobody_and_opens_nothing(name: str) -> None:
    """Even one that the operator has allowed: it may have been taken over."""

    async def main() -> None:
        async with key_server() as server:
            reply, why = HARMFUL[name]
            server.answers["/inside"] = answer(keys(RSA_KEY))
            server.answers["/keys"] = reply and reply.replace(b"{port}", str(server.port).encode())
            text = rules([server.url()]).replace("app: reviews", "app: front")
            async with (
                control_plane(text, keys=OFTEN) as control,
                ads(control.port, namespace="app", labels=FRONT) as proxy,
            ):
                sent = await proxy.subscribe(kinds.LISTENER)
                (inbound,) = [x for x in sent.resources if x.name == "virtualInbound"]
                assert b"jwt_authn" in inbound.resource.value  # the rule is in force
                assert b'"kid":"1"' not in inbound.resource.value  # and has no key

                async def is_told() -> bool:
                    page = (await control.page("/debug/push_status"))[1]
                    return "jwksUri" in page and why in page

                await until(is_told, "the problem is told")
                assert "/inside" not in server.asked

    run(main)
