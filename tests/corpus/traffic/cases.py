"""Cases of the corpus, read, and their requests as the client in a workload's place takes them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.corpus.traffic.running import TrafficMesh
from tests.corpus.traffic.workloads import placed
from tests.mesh.certificates import self_signed

DEFAULT_TIMEOUT_SECONDS = 5
SCHEMES = {"HTTP": "http", "HTTPS": "https", "GRPC": "grpc", "TCP": "tcp"}
CERTIFICATE, KEY = "<TEST_SERVER_CERTIFICATE_PEM>", "<TEST_SERVER_KEY_PEM>"


@dataclass(frozen=True)
class Case:
    name: str
    namespace: str
    config: str
    source: str
    calls: tuple[dict[str, Any], ...]

    @property
    def family(self) -> str:
        return self.name.partition("/")[0].partition("#")[0]


def read_cases(folder: Path) -> list[Case]:
    """Without those of security, in the order of their files."""
    found = []
    for file in sorted(folder.glob("*.yaml")):
        if not file.name.startswith("security-"):
            found += [_case(entry) for entry in yaml.safe_load(file.read_text())]
    return found


def _case(entry: dict[str, Any]) -> Case:
    documents = list(placed(yaml.safe_load_all(entry["config"]), entry["namespace"]))
    config = yaml.safe_dump_all(_filled(documents)) if documents else ""
    return Case(
        name=entry["name"],
        namespace=entry["namespace"],
        config=config,
        source=entry.get("source", ""),
        calls=tuple(entry["calls"]),
    )


def _filled(documents: list[Any]) -> list[Any]:
    for document in documents:
        content = document.get("stringData", {})
        if CERTIFICATE in content.values():
            certificate, key = self_signed("b.echo.svc.cluster.local")
            made = {CERTIFICATE: certificate.decode(), KEY: key.decode()}
            document["stringData"] = {k: made.get(v, v) for k, v in content.items()}
    return documents


def caller(case: Case, call: dict[str, Any]) -> str:
    return str(call.get("from") or case.source or "a")


def as_sent(
    case: Case, call: dict[str, Any], mesh: TrafficMesh, ports: dict[str, Any]
) -> dict[str, Any]:
    request = call["request"]
    from_outside = caller(case, call) == "ingressgateway"
    port = request.get("port", {})
    target = request.get("to", "")
    known = _port(ports["headless" if target == "headless" else "all"], port)
    protocol = port.get("protocol") or known.get("protocol", "HTTP")
    http = request.get("http", {})
    host = request.get("address") or _host(request, mesh) or "outside"
    number = port.get("port") or known.get("service_port") or 0
    if from_outside:
        authority = host
        host, number = mesh.gateway(number or {"HTTP": 80, "HTTPS": 443}[protocol])
    elif request.get("scheme") != "dns":
        host = _address(host, mesh)
        authority = f"{host}:{number}" if _is_bare(request, target) else host
    else:
        authority = host
    headers = [[k, _address(v, mesh)] for k, values in _headers(http) for v in values]
    named = next((v for k, v in headers if k.lower() == "host"), "")
    return {
        "scheme": request.get("scheme") or SCHEMES[protocol],
        "host": host,
        "port": number,
        "authority": authority,
        "path": http.get("path", "/").partition("#")[0] or "/",
        "method": http.get("method", "GET"),
        "headers": headers,
        "http2": bool(http.get("http2")),
        "follow": bool(http.get("follow_redirects")),
        "sni": request.get("tls", {}).get("sni") or named,
        "alpn": request.get("tls", {}).get("alpn"),
        "count": request.get("count", 1),
        "timeout": max(request.get("timeout_ms", 0) / 1000, 0.5)
        if "timeout_ms" in request
        else DEFAULT_TIMEOUT_SECONDS,
        "server_first": bool(known.get("server_first")),
        "message": request.get("message", ""),
    }


def _is_bare(request: dict[str, Any], target: str) -> bool:
    return not request.get("address") and not target


def _headers(http: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return list(http.get("headers", {}).items())


def _host(request: dict[str, Any], mesh: TrafficMesh) -> str:
    if "to_workload_of" in request:
        return mesh.address(request["to_workload_of"], "echo")
    return f"{request['to']}.echo.svc.cluster.local" if "to" in request else ""


def _address(text: str, mesh: TrafficMesh) -> str:
    """With the placeholders of the corpus replaced."""
    if "<" not in text:
        return text
    before, _, rest = text.partition("<")
    inside, _, after = rest.partition(">")
    kind, _, name = inside.partition(":")
    service, _, namespace = name.partition(".")
    if kind == "POD_IP":
        found = mesh.address(service, namespace)
    else:
        found = mesh.cluster_ip(f"{service}.{namespace}.svc.cluster.local")
    return before + found + after


def _port(ports: list[dict[str, Any]], wanted: dict[str, Any]) -> dict[str, Any]:
    return next((port for port in ports if port["name"] == wanted.get("name")), {})
