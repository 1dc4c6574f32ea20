"""The requests of the check section, against applications without a mesh."""

import asyncio
from random import Random
from typing import Any

from lateen.echo.application import Application
from lateen.echo.identity import Identity
from lateen.echo.server import EchoServer, Ports
from lateen.local.check import Result, ask
from lateen.local.settings import CheckRequest, Expectation
from lateen.local.state import GatewayAddress, Status

FRONT = Identity(workload="front", version="v1", namespace="shop", service_account="front")


def asked(**fields: Any) -> Result:
    async def scenario() -> Result:
        server = EchoServer(Application(FRONT, {}, Random(1)), Ports("127.0.0.1", http=(0,)))
        await server.start()
        host, port = server.addresses[0]
        status = Status(gateways=(GatewayAddress("gateway.shop", 80, f"{host}:{port}"),))
        text = fields.get("path", "/").replace("PORT", str(port))
        request = CheckRequest(**{**fields, "path": text})
        try:
            return await asyncio.to_thread(ask, request, status)
        finally:
            await server.stop(seconds=0)

    return asyncio.run(scenario())


def caller(name: str) -> dict[str, str]:
    return {"x-forwarded-client-cert": f"URI=spiffe://cluster.local/ns/shop/sa/{name}"}


def test_expected_answer_is_right() -> None:
    found = asked(headers=caller("gateway"), expect=Expectation(version="v1", workload="front"))

    assert found.wrong == ()
    assert "ok   GET /: 200 gateway -> front v1 (mutual TLS, called as " in str(found)


def test_other_status_is_told_with_both() -> None:
    assert "status 404 in place of 200" in asked(path="/status/404").wrong[0]


def test_other_version_is_told_with_both() -> None:
    wrong = asked(headers=caller("gateway"), expect=Expectation(version="v2")).wrong

    assert wrong == ("answered by version v1 in place of v2",)


def test_hop_without_identity_is_told() -> None:
    assert asked().wrong == ("front was called without mutual TLS",)


def test_hop_with_another_identity_than_the_hop_before_is_told() -> None:
    identity = "x-forwarded-client-cert:URI%3Dspiffe://cluster.local/ns/shop/sa/other"
    path = f"/call?url=http://127.0.0.1:PORT/&header={identity}"
    wrong = asked(path=path, headers=caller("gateway")).wrong

    assert len(wrong) == 1
    assert "in place of /ns/shop/sa/front" in wrong[0]


def test_plaintext_may_be_expected() -> None:
    assert asked(expect=Expectation(mutual_tls=False)).wrong == ()
