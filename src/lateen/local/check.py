"""The requests of `lateen.yaml`'s check section: sent through the gateway, each hop looked at.

    200 gateway -> api-gateway v1 (as .../ingressgateway) -> threat-engine v2 (as .../api-gateway)

A hop counts as mutually authenticated when the server's proxy reports, in the header that it alone
may set, the identity of the very workload that called. That both proxies spoke TLS is confirmed by
Envoy's own count of handshakes.
"""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from lateen.local.errors import LocalError
from lateen.local.settings import CheckRequest, Settings
from lateen.local.state import GatewayAddress, MeshState, PodState, Status
from lateen.local.unix_http import get

TIMEOUT_SECONDS = 30.0
HANDSHAKES = "/stats?filter=ssl.handshake$&usedonly"


@dataclass(frozen=True, slots=True)
class Hop:
    """One application that the request reached, as it told itself."""

    workload: str
    version: str
    pod: str
    namespace: str
    account: str
    caller: str  # SPIFFE id that its proxy vouches for; empty without mutual TLS


@dataclass(frozen=True, slots=True)
class Result:
    request: CheckRequest
    status: int
    hops: tuple[Hop, ...]
    body: str
    wrong: tuple[str, ...]  # why it is not as expected

    def __str__(self) -> str:
        mark = "FAIL" if self.wrong else "ok  "
        path = " -> ".join(("gateway", *(_described(hop) for hop in self.hops)))
        name = self.request.name or f"{self.request.method} {self.request.path}"
        lines = [f"{mark} {name}: {self.status} {path}"]
        return "\n".join([*lines, *(f"     {reason}" for reason in self.wrong)])


def run(settings: Settings, state: MeshState, out: TextIO) -> int:
    """Prints a line for each request; 0 when all are as expected, else 1."""
    status = state.status()
    if not settings.check:
        print("nothing to check: lateen.yaml has no check section", file=out)
        return 1
    failed = False
    for request in settings.check:
        for _ in range(max(request.repeat, 1)):
            result = ask(request, status)
            failed = failed or bool(result.wrong)
            print(result, file=out, flush=True)
    for reason in _without_handshakes(settings, status):
        failed = True
        print(f"FAIL {reason}", file=out)
    return int(failed)


def ask(request: CheckRequest, status: Status) -> Result:
    gateway = _gateway(request, status)
    try:
        code, body = _sent(request, gateway)
    except (OSError, http.client.HTTPException) as trouble:
        reason = f"no answer from http://{gateway.address}: {trouble}"
        return Result(request, 0, (), "", (reason,))
    hops = tuple(_hops(_json(body)))
    return Result(request, code, hops, body, tuple(_wrong(request, code, body)))


def _sent(request: CheckRequest, gateway: GatewayAddress) -> tuple[int, str]:
    host, _, port = gateway.address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_SECONDS)
    headers = dict(request.headers)
    if request.host:
        headers["Host"] = request.host
    try:
        body = request.body.encode() or None
        connection.request(request.method, request.path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def _wrong(request: CheckRequest, code: int, body: str) -> Iterator[str]:
    expected = request.expect
    hops = tuple(_hops(_json(body)))
    if code != expected.status:
        yield f"status {code} in place of {expected.status}: {body[:200].strip()}"
        return
    if expected.contains and expected.contains not in body:
        yield f"the answer does not contain {expected.contains!r}"
    last = hops[-1] if hops else None
    for what in ("version", "workload"):
        wanted = getattr(expected, what)
        found = getattr(last, what) if last else ""
        if wanted and found != wanted:
            yield f"answered by {what} {found or 'unknown'} in place of {wanted}"
    if expected.mutual_tls and hops:
        yield from _unauthenticated(hops)


def _unauthenticated(hops: tuple[Hop, ...]) -> Iterator[str]:
    """Hops whose caller was not who it must have been."""
    before: Hop | None = None
    for hop in hops:
        if not hop.caller:
            yield f"{hop.workload} was called without mutual TLS"
        elif before is not None and before.account:
            wanted = f"/ns/{before.namespace}/sa/{before.account}"
            if not hop.caller.endswith(wanted):
                yield f"{hop.workload} was called as {hop.caller} in place of {wanted}"
        before = hop


def _without_handshakes(settings: Settings, status: Status) -> Iterator[str]:
    """Proxies that took part and have not made one TLS handshake."""
    if not any(request.expect.mutual_tls for request in settings.check):
        return
    gateways = {gateway.pod for gateway in status.gateways}
    for pod in status.pods:
        if f"{pod.workload}.{pod.namespace}" not in gateways or not pod.admin:
            continue
        if not handshakes(pod):
            yield f"the proxy of {pod.id} has made no TLS handshake"


def handshakes(pod: PodState) -> int:
    """How many TLS handshakes the pod's Envoy has completed, towards others and by others."""
    try:
        text = get(Path(pod.admin), HANDSHAKES)
    except LocalError:
        return 0
    counts = (line.rpartition(": ")[2] for line in text.splitlines())
    return sum(int(count) for count in counts if count.strip().isdecimal())


def _gateway(request: CheckRequest, status: Status) -> GatewayAddress:
    for gateway in status.gateways:
        if gateway.port == request.port:
            return gateway
    known = ", ".join(str(gateway.port) for gateway in status.gateways) or "none"
    raise LocalError(f"no gateway has the port {request.port}; ports of gateways: {known}")


def _hops(answer: Any) -> Iterator[Hop]:
    """The applications in the order in which the request reached them."""
    while isinstance(answer, dict) and "workload" in answer:
        yield Hop(
            workload=str(answer.get("workload", "")),
            version=str(answer.get("version", "")),
            pod=str(answer.get("pod", "")),
            namespace=str(answer.get("namespace", "")),
            account=str(answer.get("service_account", "")),
            caller=str(answer.get("caller", "")),
        )
        upstream = answer.get("upstream")
        answer = upstream.get("answer") if isinstance(upstream, dict) else None


def _described(hop: Hop) -> str:
    name = " ".join(filter(None, (hop.workload, hop.version)))
    return f"{name} (mutual TLS, called as {hop.caller})" if hop.caller else f"{name} (plaintext)"


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
