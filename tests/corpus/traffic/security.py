"""The mesh of the `security-*` cases: two namespaces of echo, gateways, the servers policies name.

Its file says which services each namespace has; of those only the ones run that some case calls or
calls from, and of their ports only those that are called. `jwt-server` gives the corpus's keys,
`ext-authz` decides for CUSTOM policies, as a service of its own and inside one workload's pods.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.corpus.traffic import workloads
from tests.corpus.traffic.cases import OUTSIDE, Case, caller, target
from tests.corpus.traffic.workloads import Manifest, object_of

HERE = Path(__file__).parent
ALWAYS = frozenset(("a.echo1", "b.echo1", "a.echo2", "b.echo2"))
WITH_AUTHORIZER = "b.echo1"  # has the providers whose names end in `-local`
MIGRATION = "migration"
SWITCHES = {"PILOT_ENABLE_MULTIPLE_CUSTOM_AUTHZ_PROVIDERS": "true"}
KEYS_PORT, HTTP_PORT, GRPC_PORT = 8000, 8000, 9000
GATEWAYS = (
    {"name": "istio-ingressgateway", "app": "ingressgateway", "label": "istio=ingressgateway"},
    {"name": "istio-egressgateway", "app": "istio-egressgateway", "label": "istio=egressgateway"},
)


def manifests(environment: Manifest, security: Manifest, cases: list[Case], keys: Path) -> str:
    """`environment` says what the applications are, `security` where there are some of them."""
    ports = {kind: _used(cases, environment["ports"][kind]) for kind in ("all", "headless")}
    made = [*workloads.namespaces(security["namespaces"])]
    for gateway in GATEWAYS:
        made += workloads.gateway(gateway | {"namespace": "istio-system"})
    known = {app["service"]: app for app in environment["apps"]}
    for namespace in ("echo1", "echo2"):
        made.append(workloads.certificate(namespace, "server.default.svc"))
    for name in sorted(called(cases)):
        made += workloads.application(_application(name, known), ports)
    made += _server("jwt-server", _keys_container(keys), {"http": KEYS_PORT})
    made += _server("ext-authz", authorizer(), {"http": HTTP_PORT, "grpc": GRPC_PORT})
    made += [_inside("http", HTTP_PORT), _inside("grpc", GRPC_PORT)]
    return yaml.safe_dump_all(made, sort_keys=False)


def _used(cases: list[Case], ports: list[Manifest]) -> list[Manifest]:
    """Those that some call names, by whatever; a mesh of fewer ports changes faster."""
    asked = [call["request"].get("port", {}) for case in cases for call in case.calls]
    names = {port.get("name") for port in asked}
    numbers = {port.get("port") for port in asked if "name" not in port}
    return [
        port
        for port in ports
        if port["name"] in names or {port["service_port"], port["workload_port"]} & numbers
    ]


def called(cases: Iterable[Case]) -> set[str]:
    """`SERVICE.NAMESPACE` of every workload that takes part."""
    pairs = ((case, call) for case in cases for call in case.calls)
    names = {name for case, call in pairs for name in _named(case, call)}
    return (names | ALWAYS) - {"", OUTSIDE}


def _named(case: Case, call: dict[str, Any]) -> tuple[str, ...]:
    workload = str(call["request"].get("to_workload_of", ""))
    return caller(case, call), target(case, call), workload


def mesh_config() -> Manifest:
    included = {
        "includeRequestHeadersInCheck": ["x-ext-authz"],
        "includeAdditionalHeadersInCheck": {
            "x-ext-authz-additional-header-new": "additional-header-new-value",
            "x-ext-authz-additional-header-override": "additional-header-override-value",
        },
        "headersToUpstreamOnAllow": ["x-ext-authz-*"],
        "headersToDownstreamOnDeny": ["x-ext-authz-*"],
    }
    providers: list[Manifest] = []
    for suffix, host in (("", "ext-authz.servers.svc.cluster.local"), ("-local", "")):
        http = {"service": host or "ext-authz-http.local", "port": HTTP_PORT} | included
        grpc = {"service": host or "ext-authz-grpc.local", "port": GRPC_PORT}
        providers += [
            {"name": f"ext-authz-http{suffix}", "envoyExtAuthzHttp": http},
            {"name": f"ext-authz-grpc{suffix}", "envoyExtAuthzGrpc": grpc},
        ]
    topology = {"gatewayTopology": {"numTrustedProxies": 1}}
    return {"extensionProviders": providers, "defaultConfig": topology}


def _application(name: str, known: dict[str, Manifest]) -> Manifest:
    service, _, namespace = name.partition(".")
    if service == MIGRATION:
        versions = {"versions": ["vistio", "vlegacy"], "without_sidecar": ["vlegacy"], "pods": 2}
        return known["a"] | versions | {"service": service, "namespace": namespace}
    extra = {"containers": [authorizer()]} if name == WITH_AUTHORIZER else {}
    return known[service] | {"namespace": namespace} | extra


def authorizer() -> Manifest:
    program = HERE / "external_authorizer.py"
    return _container("ext-authz", program, str(HTTP_PORT), str(GRPC_PORT))


def _keys_container(keys: Path) -> Manifest:
    return _container("keys", HERE / "key_server.py", str(keys), str(KEYS_PORT))


def _container(name: str, program: Path, *arguments: str) -> Manifest:
    command = [sys.executable, str(program), *arguments]
    return {"name": name, "image": f"example/{name}:v1", "command": command}


def _server(name: str, container: Manifest, ports: dict[str, int]) -> Iterator[Manifest]:
    listed = [{"name": kind, "port": port, "targetPort": port} for kind, port in ports.items()]
    selected = {"selector": {"app": name}, "ports": listed}
    yield object_of("v1", "ServiceAccount", name, "servers")
    yield object_of("v1", "Service", name, "servers", spec=selected)
    spec = {"serviceAccountName": name, "containers": [container]}
    template = {"metadata": {"labels": {"app": name}}, "spec": spec}
    deployment = {"selector": {"matchLabels": {"app": name}}, "template": template}
    yield object_of("apps/v1", "Deployment", name, "servers", spec=deployment)


def _inside(kind: str, port: int) -> Manifest:
    """The authorizer in the pod itself, as a service of the mesh."""
    spec = {
        "hosts": [f"ext-authz-{kind}.local"],
        "endpoints": [{"address": "127.0.0.1"}],
        "ports": [{"name": kind, "number": port, "protocol": kind.upper()}],
        "resolution": "STATIC",
    }
    name = f"ext-authz-{kind}-local"
    return object_of("networking.istio.io/v1", "ServiceEntry", name, "echo1", spec=spec)
