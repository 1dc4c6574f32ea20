"""What a running control plane writes into its audit trail, and that no secret is in it."""

import asyncio
import base64
import json
from collections.abc import Iterable
from pathlib import Path

import grpc
import pytest
from cryptography import x509

from lateen.audit import check, reading
from lateen.audit.line import Line
from lateen.xds import kinds
from tests.features.proofs import certificate, channel, token
from tests.features.running_plane import RunningPlane, control_plane, run, until
from tests.features.test_secure_port import GATEWAY, MESH, PRIVATE, ROUTER, SECRET, stream
from tests.mesh.certificates import self_signed


async def trail(control: RunningPlane, action: str = "", count: int = 1) -> list[Line]:
    """The lines of an action, once there are so many."""
    folder = control.plane.settings.audit.folder
    assert folder is not None
    found: list[Line] = []

    async def enough() -> bool:
        nonlocal found
        wanted = reading.Wanted(action=action)
        found = [line for line in reading.lines(folder) if wanted.takes(line)]
        return len(found) >= count

    await until(enough, f"{count} lines of {action}")
    return found


def decisions(lines: Iterable[Line]) -> list[tuple[str, str, str]]:
    return [(line.decision, line.actor, line.object) for line in lines]


IDENTITY = "spiffe://cluster.local/ns/shop/sa/front"


def test_a_certificate_is_recorded_with_serial_identity_and_expiry() -> None:
    async def main() -> None:
        async with control_plane(MESH, secure=True) as control:
            _, chain = await certificate(control, token(control))
            leaf = x509.load_pem_x509_certificate(chain[0].encode())
            (issued,) = await trail(control, "certificate.issue")
            (proven,) = await trail(control, "authenticate")
        assert (issued.decision, issued.object) == ("accepted", IDENTITY)
        assert issued.detail["serial"] == f"{leaf.serial_number:x}"
        assert issued.detail["expires"].startswith(f"{leaf.not_valid_after_utc:%Y-%m-%dT%H:%M}")
        assert (proven.decision, proven.actor) == ("accepted", IDENTITY)
        assert proven.proof == "token lateen"
        assert proven.correlation == issued.correlation != ""
        assert proven.peer.startswith("127.0.0.1:")

    run(main)


@pytest.mark.parametrize(
    ("bearer", "reason"),
    [
        ("", "a client certificate or a bearer token is needed"),
        ("a.b.c", "the token is not a JSON web token"),
        ("foreign", "the token is of another issuer"),
    ],
)
def test_a_refused_caller_is_recorded_with_the_reason(bearer: str, reason: str) -> None:
    if bearer == "foreign":
        claims = base64.urlsafe_b64encode(b'{"iss":"https://elsewhere"}').decode().rstrip("=")
        bearer = f"e30.{claims}.c2ln"

    async def main() -> None:
        async with control_plane(MESH, secure=True) as control:
            with pytest.raises(grpc.aio.AioRpcError):
                await certificate(control, bearer)
            (refused,) = await trail(control, "authenticate")
        assert (refused.decision, refused.actor) == ("refused", "")
        assert reason in refused.reason
        assert not bearer or bearer not in str(refused)

    run(main)


def test_streams_and_secrets_are_recorded_told_and_withheld() -> None:
    async def main() -> None:
        async with (
            control_plane(SECRET + GATEWAY, secure=True) as control,
            channel(control) as opened,
        ):
            bearer = (("authorization", f"Bearer {token(control)}"),)
            proxy = stream(opened, namespace="shop", metadata=bearer, node=ROUTER)
            names = ("kubernetes://edge-cert", "kubernetes://other/cert", "kubernetes://none")
            await proxy.subscribe(kinds.SECRET, *names)
            liar = stream(opened, namespace="other", metadata=bearer, node=ROUTER)
            await liar.request(kinds.SECRET, "kubernetes://other/cert")
            with pytest.raises(EOFError):
                await liar.next()
            streams = await trail(control, "xds.stream", 2)
            secrets = await trail(control, "secret.deliver", 3)
        assert [(line.decision, line.object) for line in streams] == [
            ("accepted", ROUTER),
            ("refused", ROUTER),
        ]
        assert "claims namespace 'other'" in streams[1].reason
        told = {line.object: (line.decision, line.reason, line.actor) for line in secrets}
        assert told["kubernetes://edge-cert"] == ("accepted", "", IDENTITY)
        assert told["kubernetes://other/cert"][:2] == (
            "refused",
            "it is of namespace other, and no ReferenceGrant permits it",
        )
        assert told["kubernetes://none"][0] == "refused"

    run(main)


def test_configuration_is_recorded_with_digest_and_refusals_with_place() -> None:
    async def main() -> None:
        async with control_plane(MESH + SECRET.replace("\napi", "\n---\napi", 1), secure=True) as c:
            first = await trail(c, "configuration.apply", 2)
            c.source.write(MESH.replace("STATIC", "SOMEHOW"))
            refused = (await trail(c, "configuration.apply", 3))[-1]
            c.source.write(MESH.replace("10.1.0.7", "10.1.0.8"))
            changed = (await trail(c, "configuration.apply", 4))[-1]
            c.source.delete(MESH)
            deleted = await trail(c, "configuration.delete")
        by_name = {line.object: line for line in first}
        assert by_name["Secret shop/edge-cert"].detail == {"file": "test.yaml:12"}
        entry = by_name["ServiceEntry shop/reviews"]
        assert entry.detail["file"] == "test.yaml:2"
        assert len(entry.detail["sha256"]) == 64
        assert changed.detail["sha256"] != entry.detail["sha256"]
        assert (refused.decision, refused.object) == ("refused", "ServiceEntry shop/reviews")
        assert refused.detail["path"] == "spec.resolution"
        assert [line.object for line in deleted] == ["ServiceEntry shop/reviews"]

    run(main)


def test_admin_requests_and_join_tokens_are_recorded_without_the_token() -> None:
    async def main() -> None:
        async with control_plane(MESH, secure=True) as control:
            asked = "/tokens?namespace=shop&service-account=front"
            code, body = await control.page(asked, "POST")
            assert code == 200
            joined = json.loads(body)
            await certificate(control, joined["token"])
            with pytest.raises(grpc.aio.AioRpcError, match="used before"):
                await certificate(control, joined["token"])
            (issued,) = await trail(control, "token.issue")
            requests = await trail(control, "admin.request")
            proven = await trail(control, "authenticate", 2)
            folder = control.plane.settings.audit.folder
            assert folder is not None
            text = "".join(path.read_text() for path in folder.iterdir() if path.is_file())
            assert joined["token"] not in text
            assert control.admin_token.read_text() not in text
        assert issued.detail["token"] == joined["id"]
        assert issued.object == "shop/front"
        assert [(line.object, line.actor) for line in requests] == [("POST /tokens", "admin")]
        assert [line.proof for line in proven] == [f"join token {joined['id']}", ""]

    run(main)


def test_the_trail_of_a_control_plane_is_whole_and_has_no_private_key(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            control_plane(SECRET + GATEWAY, secure=True) as control,
            channel(control) as opened,
        ):
            bearer = (("authorization", f"Bearer {token(control)}"),)
            proxy = stream(opened, namespace="shop", metadata=bearer, node=ROUTER)
            await proxy.subscribe(kinds.SECRET, "kubernetes://edge-cert")
            await trail(control, "secret.deliver")
            folder = control.plane.settings.audit.folder
            assert folder is not None
            await asyncio.to_thread(control.plane.audit.close)
            assert check.check(folder).broken is None
            text = b"".join(path.read_bytes() for path in folder.iterdir())
            assert PRIVATE not in text
            assert base64.b64encode(PRIVATE) not in text
            assert bearer[0][1].encode() not in text

    run(main)


def test_a_certificate_of_a_foreign_root_is_recorded_with_the_reason() -> None:
    async def main() -> None:
        async with control_plane(MESH, secure=True) as control:
            certificate_, key_ = self_signed("stranger")
            async with channel(control, key=key_, chain=certificate_) as opened:
                proxy = stream(opened, namespace="shop")
                with pytest.raises((EOFError, grpc.aio.AioRpcError)):
                    await proxy.subscribe(kinds.CLUSTER)
            reader, writer = await asyncio.open_connection("127.0.0.1", control.secure_port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            await reader.read()
            writer.close()
            lines = await trail(control, "authenticate", 2)
        reasons = [line.reason for line in lines if line.object == "connection"]
        assert "the client certificate is not believed: self-signed certificate" in reasons
        assert any(reason.startswith("no TLS handshake: ") for reason in reasons)
        assert {line.decision for line in lines} == {"refused"}
        assert all(line.peer.startswith("127.0.0.1:") for line in lines)

    run(main)
