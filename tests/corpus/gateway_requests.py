"""Requests of the conformance of the Gateway API, followed through what proxies are sent.

Faults that are injected, timeouts and what backends answer are not: for these there are the tests
with real proxies. So of a request that is refused by then only the way is looked at.
"""

from collections.abc import Iterator
from typing import Any

from lateen.simulate import configuration, run
from lateen.simulate.call import Application, Call, Direction, Failure, Outcome, Security
from lateen.view import proxy_class as classes
from lateen.view.mesh import Mesh

NOT_FOUND = (Failure.NO_ROUTE, Failure.NO_VIRTUAL_HOST)
Document = dict[str, Any]


def through_gateway(mesh: Mesh, gateway: Document, step: Document) -> str:
    """Why a request is not answered as expected; empty when it is."""
    arguments = step["args"]
    request = arguments["expected"]["request"]
    listener = _listener(mesh, gateway, arguments["gwAddr"], step["fn"].startswith("tls."))
    server = str(arguments.get("serverName") or "")
    labels = {
        "gateway.networking.k8s.io/gateway-name": gateway["name"],
        "gateway.networking.k8s.io/gateway-class-name": "istio",
    }
    name = f"{gateway['name']}-istio"
    call = Call(
        port=listener.port,
        application=Application.HTTP,
        security=Security.TLS if listener.protocol == "HTTPS" else Security.PLAINTEXT,
        direction=Direction.GATEWAY,
        sni=server if server and not server.startswith("$") else None,
        **_common(request),
    )
    return _difference(mesh, _proxy("router", name, gateway["namespace"], labels), call, step)


def from_sidecar(mesh: Mesh, step: Document) -> str:
    client = step["args"]["client"]
    if isinstance(client, str):
        client = {"app": client, "namespace": "gateway-conformance-mesh"}
    labels = dict(pair.split("=") for pair in client["app"].split(","))
    request = {"host": "echo"} | step["args"]["exp"]["request"]
    host = request["host"]
    port = host.partition(":")[2]
    if host.startswith("$"):
        return ""  # the address of a pod
    call = Call(port=int(port or 80), application=Application.HTTP, **_common(request))
    proxy = _proxy("sidecar", "client", client["namespace"], labels)
    return _difference(mesh, proxy, call, step)


def _listener(mesh: Mesh, gateway: Document, address: str, is_tls: bool) -> Any:
    """The one of a port that the address names, else the first that speaks as the client does."""
    kind = "Gateway.gateway.networking.k8s.io"
    own = next(
        each for each in mesh.of_kind(kind, gateway["namespace"]) if each.name == gateway["name"]
    )
    port = address.rpartition(":")[2]
    if port.isdigit():
        return next(each for each in own.spec.listeners if each.port == int(port))
    by_protocol = [each for each in own.spec.listeners if (each.protocol == "HTTPS") == is_tls]
    return (by_protocol or own.spec.listeners)[0]


def _common(request: Document) -> Document:
    """What requests through gateways and those of the mesh have in common."""
    headers = request.get("headers") or {}
    host = request.get("host") or "10.0.0.1"
    return {
        "host": host,
        "path": request.get("path") or "/",
        "method": request.get("method") or "GET",
        "headers": tuple((name.lower(), value) for name, value in headers.items()),
    }


def _proxy(kind: str, name: str, namespace: str, labels: dict[str, str]) -> Document:
    return {
        "type": kind, "name": name, "namespace": namespace, "ips": ["10.0.0.1"], "labels": labels,
    }  # fmt: skip


def _difference(mesh: Mesh, proxy: Document, call: Call, step: Document) -> str:
    proxy_class = classes.proxy_from_description(proxy, mesh).proxy_class
    held = configuration.configuration(mesh, classes.classify(mesh, proxy_class))
    found = run.run(held, call)
    expected = step["args"].get("expected") or step["args"]["exp"]
    response = expected.get("response") or {}
    codes = response.get("statusCodes") or [response.get("statusCode", 200)]
    return "; ".join(_faults(found, codes, expected.get("backend", "")))


def _faults(found: Outcome, codes: list[int], backend: str) -> Iterator[str]:
    if min(codes) >= 500:
        return
    code: int | str = found.status or (200 if found.clusters else 0)
    if found.failure is not None:
        code = 404 if found.failure in NOT_FOUND else str(found.failure)
    if code not in codes:
        yield f"answered with {code}, not {codes}, by route {found.route}"
    used = [name for name, weight in found.clusters if weight]
    if code == 200 and backend and not all(backend in name for name in used):
        yield f"sent to {used}, not {backend}, by route {found.route}"
