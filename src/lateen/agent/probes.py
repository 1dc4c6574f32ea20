"""Asks the application whether it is well, as the kubelet would, past the workload's own proxy.

Probes come from 127.0.0.6 to the workload's IP, which traffic capture leaves alone.
"""

import ssl
from urllib.parse import urljoin, urlsplit

from lateen.agent import address
from lateen.agent.address import Address
from lateen.agent.errors import AgentError
from lateen.agent.http1 import Response, fetch
from lateen.agent.settings import GrpcProbe, HttpProbe, Probe, TcpProbe

SOURCE = "127.0.0.6"
LARGEST_BODY = 10 * 1024
MOST_REDIRECTS = 10
USER_AGENT = "kube-probe/1.0"
HEALTH_CHECK = "/grpc.health.v1.Health/Check"
SERVING = b"\x08\x01"  # HealthCheckResponse {status: SERVING}


async def ask(probe: Probe, *, ip: str) -> Response:
    """The application's answer; 500 if it gives none."""
    host = ip or "127.0.0.1"
    try:
        if isinstance(probe, HttpProbe):
            return await _http(probe, probe.host or host)
        if isinstance(probe, TcpProbe):
            return await _tcp(probe, probe.host or host)
        return await _grpc(probe, host)
    except AgentError as trouble:
        return Response(500, f"{trouble}\n".encode())


async def _http(probe: HttpProbe, host: str) -> Response:
    where = Address(host, probe.port)
    tls = _unverified() if probe.scheme.upper() == "HTTPS" else None
    path = probe.path if probe.path.startswith("/") else f"/{probe.path}"
    headers = {"user-agent": USER_AGENT, **{name.lower(): value for name, value in probe.headers}}
    for _ in range(MOST_REDIRECTS):
        response = await fetch(
            where,
            path,
            headers=headers,
            timeout=probe.timeout,
            source=_source(host),
            tls=tls,
            largest=LARGEST_BODY,
        )
        next_path = _redirect(response, where, path)
        if next_path is None:
            break
        path = next_path
    return Response(response.status, response.body, response.content_type or "text/plain")


def _redirect(response: Response, where: Address, path: str) -> str | None:
    """Where a redirect leads, if it stays on the host; a kubelet takes any other as success."""
    target = response.headers.get("location", "")
    if response.status not in (301, 302, 303, 307, 308) or not target:
        return None
    split = urlsplit(urljoin(f"http://{where}{path}", target))
    if split.hostname != where.host or (split.port or where.port) != where.port:
        return None
    return split.path + (f"?{split.query}" if split.query else "")


async def _tcp(probe: TcpProbe, host: str) -> Response:
    import asyncio

    where = Address(host, probe.port)
    try:
        async with asyncio.timeout(probe.timeout):
            _, writer = await address.connect(where, source=_source(host))
            writer.close()
    except (OSError, TimeoutError) as closed:
        raise AgentError(f"{where} does not accept connections") from closed
    return Response()


async def _grpc(probe: GrpcProbe, host: str) -> Response:
    import grpc
    import grpc.aio

    name = probe.service.encode()
    request = b"\x0a" + bytes([len(name)]) + name if name else b""
    async with grpc.aio.insecure_channel(
        str(Address(host, probe.port)), [("grpc.enable_http_proxy", 0)]
    ) as channel:
        check = channel.unary_unary(
            HEALTH_CHECK, request_serializer=bytes, response_deserializer=bytes
        )
        try:
            answer = await check(request, timeout=probe.timeout)
        except grpc.aio.AioRpcError as refused:
            raise AgentError(f"health check: {refused.code().name}") from refused
    if answer != SERVING:
        raise AgentError("health check: not serving")
    return Response()


def _source(host: str) -> str:
    return "" if ":" in host else SOURCE


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
