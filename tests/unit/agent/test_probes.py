"""Probes of an application."""

import asyncio

import pytest

from lateen.agent import http1, probes
from lateen.agent.address import Address
from lateen.agent.http1 import Request, Response
from lateen.agent.settings import GrpcProbe, HttpProbe, TcpProbe

LOOPBACK = "127.0.0.1"


async def application(request: Request) -> Response:
    if request.path == "/moved":
        return Response(302, headers={"location": "/here"})
    if request.path == "/away":
        return Response(302, headers={"location": "http://other.example/"})
    if request.path == "/round":
        return Response(302, headers={"location": "/round"})
    if request.path == "/large":
        return Response(200, b"x" * 100_000)
    if request.path == "/sick":
        return Response(503, b"sick")
    return Response(200, f"{request.peer} {request.headers.get('x-test', '')}".encode())


def asked(path: str) -> Response:
    async def scenario() -> Response:
        server, where = await http1.serve(application, Address(LOOPBACK, 0))
        async with server:
            probe = HttpProbe(port=where.port, path=path, headers=(("X-Test", "yes"),))
            return await probes.ask(probe, ip=LOOPBACK)

    return asyncio.run(scenario())


def test_a_probe_comes_from_the_address_that_capture_leaves_alone() -> None:
    assert asked("/here").body == b"127.0.0.6 yes"


def test_the_applications_status_is_passed_on() -> None:
    assert asked("/sick").status == 503


def test_a_redirect_on_the_host_is_followed() -> None:
    assert asked("/moved").status == 200


def test_a_redirect_to_another_host_is_not() -> None:
    assert asked("/away").status == 302


def test_a_redirect_in_circles_ends() -> None:
    assert asked("/round").status == 302


def test_a_large_answer_is_cut() -> None:
    assert len(asked("/large").body) == 10 * 1024


@pytest.mark.parametrize("probe", [HttpProbe(port=1), TcpProbe(port=1), GrpcProbe(port=1)])
def test_an_application_that_is_away_is_not_well(
    probe: HttpProbe | TcpProbe | GrpcProbe,
) -> None:
    assert asyncio.run(probes.ask(probe, ip=LOOPBACK)).status == 500


def test_an_open_port_is_well() -> None:
    async def scenario() -> Response:
        server, where = await http1.serve(application, Address(LOOPBACK, 0))
        async with server:
            return await probes.ask(TcpProbe(port=where.port), ip=LOOPBACK)

    assert asyncio.run(scenario()).status == 200


def test_a_grpc_service_that_serves_is_well() -> None:
    import grpc
    import grpc.aio

    async def check(request: bytes, context: object) -> bytes:
        return b"\x08\x01" if request == b"\x0a\x06orders" else b"\x08\x02"

    async def scenario() -> list[int]:
        server = grpc.aio.server()
        methods = {"Check": grpc.unary_unary_rpc_method_handler(check)}
        service = grpc.method_handlers_generic_handler("grpc.health.v1.Health", methods)
        server.add_generic_rpc_handlers((service,))
        port = server.add_insecure_port(f"{LOOPBACK}:0")
        await server.start()
        wanted = (GrpcProbe(port=port, service="orders"), GrpcProbe(port=port))
        answers = [await probes.ask(probe, ip=LOOPBACK) for probe in wanted]
        await server.stop(None)
        return [answer.status for answer in answers]

    assert asyncio.run(scenario()) == [200, 500]
