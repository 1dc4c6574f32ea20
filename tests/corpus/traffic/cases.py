"""Cases of the corpus, read, and their requests as the client in a workload's place takes them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.corpus.traffic.running import TrafficMesh
from tests.corpus.traffic.workloads import placed
from tests.mesh.certificates import self_signed

OUTSIDE = "ingressgateway"  # the caller of cases that come in by the gateway
HEADLESS = ("headless", "statefulset")  # have the ports of the environment's second list
DEFAULT_TIMEOUT_SECONDS = 5
SCHEMES = {"HTTP": "http", "HTTPS": "https", "GRPC": "grpc", "TCP": "tcp"}
PLACEHOLDER = re.compile(r"<(?P<kind>POD_IP|ADDRESS):(?P<service>[^.>]+)\.(?P<namespace>[^.>]+)>")
CERTIFICATE, KEY = "<TEST_SERVER_CERTIFICATE_PEM>", "<TEST_SERVER_KEY_PEM>"


SECURITY = "security-"  # how the files of the second group begin
ECHO_METHOD = "/proto.EchoTestService/Echo"  # the one that policies of the corpus speak of


@dataclass(frozen=True)
class Case:
    name: str
    config: str
    calls: tuple[dict[str, Any], ...]
    source: str = ""  # SERVICE or SERVICE.NAMESPACE, unless the call names another
    namespace: str = "echo"  # of services that are named without one
    mesh_config: str = ""  # YAML laid over the environment's, for this case

    @property
    def family(self) -> str:
        return self.name.partition("/")[0].partition("#")[0]


def read_cases(folder: Path) -> list[Case]:
    """Without those of security, in the order of their files."""
    files = (file for file in sorted(folder.glob("*.yaml")) if not _is_security(file))
    return [_case(entry) for file in files for entry in yaml.safe_load(file.read_text())]


def read_security_cases(folder: Path) -> list[Case]:
    files = (file for file in sorted(folder.glob("*.yaml")) if _is_security(file))
    return [_case(entry) for file in files for entry in yaml.safe_load(file.read_text())]


def _is_security(file: Path) -> bool:
    return file.name.startswith(SECURITY)


def _case(entry: dict[str, Any]) -> Case:
    parts = entry["config"]
    if isinstance(parts, str):
        parts = [{"namespace": entry["namespace"], "yaml": parts}]
    documents = [
        document
        for part in parts
        for document in placed(yaml.safe_load_all(part["yaml"]), part["namespace"])
    ]
    return Case(
        name=entry["name"],
        config=yaml.safe_dump_all(_filled(documents)) if documents else "",
        calls=tuple(entry["calls"]),
        source=entry.get("source", ""),
        mesh_config=entry.get("mesh_config_patch", ""),
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
    """`SERVICE.NAMESPACE`, or `ingressgateway` for this machine."""
    named = str(call.get("from") or case.source or "a")
    return named if named == OUTSIDE or "." in named else f"{named}.{case.namespace}"


def target(case: Case, call: dict[str, Any]) -> str:
    """`SERVICE.NAMESPACE` that is called; empty when an address says it."""
    named = str(call.get("to") or call["request"].get("to") or "")
    return named if not named or "." in named else f"{named}.{case.namespace}"


def as_sent(
    case: Case, call: dict[str, Any], mesh: TrafficMesh, ports: dict[str, Any]
) -> dict[str, Any]:
    request = call["request"]
    from_outside = caller(case, call) == OUTSIDE
    port = request.get("port", {})
    called = target(case, call)
    known = _port(ports["headless" if called.partition(".")[0] in HEADLESS else "all"], port)
    protocol = port.get("protocol") or known.get("protocol", "HTTP")
    http = request.get("http", {})
    host = request.get("address") or _host(case, request, called, mesh) or "outside"
    number = port.get("port") or known.get("service_port") or 0
    if from_outside:
        authority = host
        host, number = mesh.gateway(number or {"HTTP": 80, "HTTPS": 443}[protocol])
    elif request.get("scheme") != "dns":
        host = addressed(host, mesh)
        authority = f"{host}:{number}" if _is_bare(request, called) else host
    else:
        authority = host
    headers = [[k, addressed(v, mesh)] for k, values in _headers(http) for v in values]
    named = next((v for k, v in headers if k.lower() == "host"), "")
    return {
        "scheme": request.get("scheme") or SCHEMES[protocol],
        "host": host,
        "port": number,
        "authority": authority,
        "path": http.get("path", "/").partition("#")[0] or "/",
        "grpc_method": ECHO_METHOD,
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


def _is_bare(request: dict[str, Any], called: str) -> bool:
    return not request.get("address") and not called


def _headers(http: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return list(http.get("headers", {}).items())


def _host(case: Case, request: dict[str, Any], called: str, mesh: TrafficMesh) -> str:
    if "to_workload_of" in request:
        service, _, namespace = str(request["to_workload_of"]).partition(".")
        return mesh.address(service, namespace or case.namespace)
    return f"{called}.svc.cluster.local" if called else ""


def addressed(text: str, mesh: TrafficMesh) -> str:
    """With the corpus's placeholders for addresses replaced."""

    def address(found: re.Match[str]) -> str:
        service, namespace = found["service"], found["namespace"]
        if found["kind"] == "POD_IP":
            return mesh.address(service, namespace)
        return mesh.cluster_ip(f"{service}.{namespace}.svc.cluster.local")

    return PLACEHOLDER.sub(address, text)


def _port(ports: list[dict[str, Any]], wanted: dict[str, Any]) -> dict[str, Any]:
    return next((port for port in ports if port["name"] == wanted.get("name")), {})
