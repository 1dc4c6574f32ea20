"""Asking a container how it is, as the kubelet would: exec, HTTP, TCP or gRPC.

The connection is opened inside the pod's network, to its own address, which capture leaves alone:
strict mutual TLS never stands between a container and its probe.
"""

import asyncio
import contextlib
import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from lateen.api.kubernetes.pod import ExecAction, HTTPGetAction, Probe, TCPSocketAction
from lateen.echo import framing
from lateen.echo.http2_client import exchange
from lateen.local.container_plan import ContainerPlan
from lateen.local.errors import LocalError
from lateen.local.process import Credentials, Place, spawn

USER_AGENT = "kube-probe/lateen"


@dataclass(frozen=True)
class Target:
    """The container that is asked."""

    container: ContainerPlan
    address: str  # where the application listens
    place: Place
    credentials: Credentials
    environment: dict[str, str]
    log: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    passed: bool
    reason: str = ""


async def ask(probe: Probe, target: Target) -> Outcome:
    try:
        async with asyncio.timeout(max(probe.timeout_seconds, 1)):
            return await _ask(probe, target)
    except TimeoutError:
        return Outcome(False, f"no answer within {max(probe.timeout_seconds, 1)} s")
    except OSError as trouble:
        number = trouble.errno
        return Outcome(False, os.strerror(number).lower() if number else str(trouble))
    except (EOFError, LocalError, ValueError) as trouble:
        return Outcome(False, str(trouble) or type(trouble).__name__)


async def _ask(probe: Probe, target: Target) -> Outcome:
    if probe.exec is not None:
        return await run(probe.exec, target)
    if probe.http_get is not None:
        return await http_get(probe.http_get, target)
    if probe.tcp_socket is not None:
        return await _tcp(probe.tcp_socket, target)
    if probe.grpc is not None:
        return await _grpc(probe.grpc.port, probe.grpc.service or "", target)
    return Outcome(True)


async def run(action: ExecAction, target: Target) -> Outcome:
    """Runs the command in the container's place; it is killed when the caller gives up."""
    process = await spawn(
        action.command,
        log=target.log,
        place=target.place,
        environment=target.environment,
        directory=target.container.directory,
        credentials=target.credentials,
    )
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        await process.stop(0)
        raise
    return Outcome(code == 0, "" if code == 0 else f"{action.command[0]} ended with {code}")


async def http_get(action: HTTPGetAction, target: Target) -> Outcome:
    port = target.container.port(action.port)
    host = action.host or target.address
    context = None
    if action.scheme.upper() == "HTTPS":
        context = ssl.create_default_context()
        context.check_hostname = False  # as the kubelet: a probe does not ask who answers
        context.verify_mode = ssl.CERT_NONE
    headers = {header.name: header.value for header in action.http_headers}
    code = await http_status(
        target.place, host, port, path=action.path, headers=headers, context=context
    )
    return Outcome(200 <= code < 400, "" if 200 <= code < 400 else f"HTTP status {code}")


async def http_status(
    place: Place,
    host: str,
    port: int,
    *,
    path: str,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    context: ssl.SSLContext | None = None,
) -> int:
    """The status of the answer; 0 when it is no HTTP."""
    reader, writer = await connect(place, host, port, context)
    try:
        fields = {"Host": f"{host}:{port}", "User-Agent": USER_AGENT, "Accept": "*/*"}
        fields |= {**(headers or {}), "Content-Length": "0", "Connection": "close"}
        lines = [f"{method} /{path.lstrip('/')} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        words = (await reader.readline()).split()
    finally:
        writer.close()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


async def _tcp(action: TCPSocketAction, target: Target) -> Outcome:
    port = target.container.port(action.port)
    _, writer = await connect(target.place, action.host or target.address, port)
    writer.close()
    return Outcome(True)


async def _grpc(port: int, service: str, target: Target) -> Outcome:
    reader, writer = await connect(target.place, target.address, port)
    name = service.encode()
    message = b"\x0a" + bytes([len(name)]) + name if name else b""
    headers = (
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", f"{target.address}:{port}"),
        (":path", framing.HEALTH),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    )
    try:
        answer = await exchange(reader, writer, headers, framing.pack(message))
    finally:
        writer.close()
    serving = answer.body[framing.PREFIX :] == framing.SERVING
    return Outcome(serving, "" if serving else "the health service does not say SERVING")


async def connect(
    place: Place, host: str, port: int, context: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection from inside the pod's network."""
    entered = place.namespace.entered() if place.namespace else contextlib.nullcontext()
    with entered:
        talk = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        await asyncio.get_running_loop().sock_connect(talk, (host, port))
        return await asyncio.open_connection(
            sock=talk, ssl=context, server_hostname=host if context else None
        )
    except BaseException:
        talk.close()
        raise
