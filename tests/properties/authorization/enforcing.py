"""One real Envoy that enforces many sets of policies: a route, or a filter chain, for each.

HTTP   the header `x-case` chooses a route, whose per-route RBAC is that case's
TCP    the server name chooses a filter chain; what gets past RBAC comes back
"""

import contextlib
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from lateen.api.resource import Change
from lateen.config import documents
from lateen.envoy import messages, schema, types
from lateen.translate.authorization import filters
from lateen.view.mesh import Mesh, Settings
from lateen.view.proxy import ProxyClass, ProxyKind
from tests.properties.authorization.generate import DOMAINS, ISSUER, OTHER_ISSUER
from tests.properties.authorization.identities import Identities
from tests.properties.authorization.reference import Policy

START_SECONDS = 20
WORKLOAD = ProxyClass(namespace="app", labels=(("app", "web"),))
TYPE = "type.googleapis.com/envoy"
CHECKS = ("log", "deny", "allow")  # by the action of RBAC


def built(
    policies: list[Policy],
    *,
    is_tcp: bool = False,
    config: dict[str, Any] | None = None,
    proxy_class: ProxyClass | None = None,
) -> list[Any]:
    """The filters that our translation makes of the policies."""
    domains = {"trustDomain": DOMAINS[0], "trustDomainAliases": list(DOMAINS[1:])}
    mesh = Mesh(Settings(mesh_config=json.dumps(domains | (config or {}))))
    read = documents.read(json.dumps({"apiVersion": "v1", "kind": "List", "items": policies}), "p")
    assert not read.problems, read.problems
    mesh.apply(Change(each.key, each) for each in read.resources)
    build = filters.network_filters if is_tcp else filters.http_filters
    return [messages.to_json(each) for each in build(mesh, proxy_class or WORKLOAD)]


def token_filter(
    rules: list[dict[str, Any]], proxy_class: ProxyClass | None = None
) -> dict[str, Any]:
    made = {
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": "tokens", "namespace": "app"},
        "spec": {"jwtRules": rules},
    }
    found: dict[str, Any] = built([made], proxy_class=proxy_class)[0]
    return found


def http_listener(cases: list[list[Policy]], identities: Identities, folder: Path) -> Any:
    routes = [_route(index, policies) for index, policies in enumerate(cases)]
    rules = [{"issuer": issuer, "jwks": identities.keys} for issuer in (ISSUER, OTHER_ISSUER)]
    empty = {"@type": f"{TYPE}.extensions.filters.http.rbac.v3.RBAC"}
    checks = [{"name": name, "typed_config": empty} for name in CHECKS]
    manager = _manager([token_filter(rules), *checks], routes)
    inspector = {"name": "tls", "typed_config": {"@type": f"{TYPE}{INSPECTOR}"}}
    chain = {"filters": [{"name": "http", "typed_config": manager}], **_tls(folder)}
    return _listener("http", [chain], [inspector])


def plain_listener(rules: list[dict[str, Any]], shown: Iterable[str]) -> Any:
    """Without TLS; of the headers that it was asked with it shows some, as `x-seen-NAME`."""
    return _showing([token_filter(rules)], shown)


def routing_listener(rules: list[dict[str, Any]], statuses: list[tuple[Any, int]]) -> Any:
    """A gateway's: each match, or none for all else, answers with its status."""
    routes = [
        {"match": match or {"prefix": "/"}, "direct_response": {"status": status}}
        for match, status in statuses
    ]
    gateway = replace(WORKLOAD, kind=ProxyKind.ROUTER)
    manager = _manager([token_filter(rules, gateway)], routes)
    return _listener("routes", [{"filters": [{"name": "http", "typed_config": manager}]}], [])


def asking_listener(provider: dict[str, Any], host: str, port: int, shown: Iterable[str]) -> Any:
    """An external authorizer decides on paths under `/checked`; answers like `plain_listener`."""
    config = {"extensionProviders": [provider]}
    service = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": "authorizer", "namespace": "app"},
        "spec": {"hosts": [host], "ports": [{"number": port, "name": "http", "protocol": "HTTP"}]},
    }
    policy = {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "asked", "namespace": "app"},
        "spec": {
            "action": "CUSTOM",
            "provider": {"name": "ours"},
            "rules": [{"to": [{"operation": {"paths": ["/checked/*"]}}]}],
        },
    }
    return _showing(built([service, policy], config=config), shown)


def cluster(host: str, port: int) -> Any:
    """Of a service of the mesh that is on loopback."""
    name = f"outbound|{port}||{host}"
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    assignment = {"cluster_name": name, "endpoints": endpoints}
    return {"name": name, "type": "STATIC", "load_assignment": assignment}


def _showing(checks: list[Any], shown: Iterable[str]) -> Any:
    seen = [
        {
            "header": {"key": f"x-seen-{name}", "value": f"%REQ({name})%"},
            "keep_empty_value": False,
        }
        for name in shown
    ]
    answer = {"status": 200}
    route = {"match": {"prefix": "/"}, "direct_response": answer, "response_headers_to_add": seen}
    manager = _manager(checks, [route])
    return _listener("plain", [{"filters": [{"name": "http", "typed_config": manager}]}], [])


def _manager(checks: list[Any], routes: list[Any]) -> dict[str, Any]:
    """An HTTP connection manager; a proxy in front of it is trusted to name the client."""
    router = {"@type": f"{TYPE}.extensions.filters.http.router.v3.Router"}
    return {
        "@type": f"{TYPE}.extensions.filters.network.http_connection_manager.v3"
        ".HttpConnectionManager",
        "stat_prefix": "http",
        "use_remote_address": True,
        "xff_num_trusted_hops": 1,
        "normalize_path": True,
        "http_filters": [*checks, {"name": "router", "typed_config": router}],
        "route_config": {
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}],
        },
    }


INSPECTOR = ".extensions.filters.listener.tls_inspector.v3.TlsInspector"


def tcp_listener(cases: list[list[Policy]], folder: Path) -> Any:
    answer = {
        "name": "answer",
        "typed_config": {"@type": f"{TYPE}.extensions.filters.network.echo.v3.Echo"},
    }
    chains = [
        {
            "name": f"case-{index}",
            "filter_chain_match": {"server_names": [f"case-{index}"]},
            "filters": [*built(policies, is_tcp=True), answer],
            **_tls(folder),
        }
        for index, policies in enumerate(cases)
    ]
    inspector = {"name": "tls", "typed_config": {"@type": f"{TYPE}{INSPECTOR}"}}
    return _listener("tcp", chains, [inspector])


def _listener(name: str, chains: list[Any], inspectors: list[Any]) -> Any:
    address = {"socket_address": {"address": "0.0.0.0", "port_value": free_port()}}
    return {
        "name": name,
        "address": address,
        "filter_chains": chains,
        "listener_filters": inspectors,
    }


def _route(index: int, policies: list[Policy]) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {name: {} for name in CHECKS}
    for made in built(policies):
        config = {k: v for k, v in made["typed_config"].items() if k != "@type"}
        decided = config.get("rules") or config["shadow_rules"]
        found[decided.get("action", "ALLOW").lower()] = config
    override = f"{TYPE}.extensions.filters.http.rbac.v3.RBACPerRoute"
    return {
        "match": {
            "prefix": "/",
            "headers": [{"name": "x-case", "string_match": {"exact": str(index)}}],
        },
        "direct_response": {"status": 200},
        "typed_per_filter_config": {
            name: {"@type": override, "rbac": config} for name, config in found.items()
        },
    }


def _tls(folder: Path) -> dict[str, Any]:
    server = {"filename": str(folder / "server.pem")}
    common = {
        "tls_certificates": [{"certificate_chain": server, "private_key": server}],
        "validation_context": {"trusted_ca": {"filename": str(folder / "ca.pem")}},
    }
    config = {
        "@type": f"{TYPE}.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": common,
    }
    return {"transport_socket": {"name": "tls", "typed_config": config}}


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def port_of(listener: Any) -> int:
    return int(listener["address"]["socket_address"]["port_value"])


@contextlib.contextmanager
def enforcing(*listeners: Any, clusters: Iterable[Any] = ()) -> Iterator[None]:
    bootstrap = types.Bootstrap()
    for each in clusters:
        name = types.Cluster().DESCRIPTOR.full_name
        bootstrap.static_resources.clusters.append(messages.from_json(each, name))
    for each in listeners:
        name = types.Listener().DESCRIPTOR.full_name
        bootstrap.static_resources.listeners.append(messages.from_json(each, name))
    with tempfile.TemporaryDirectory() as folder:
        config, log = Path(folder, "envoy.json"), Path(folder, "log")
        config.write_text(json.dumps(messages.to_json(bootstrap)))
        command = [str(schema.binary()), "-c", str(config), "--concurrency", "1"]
        with log.open("w") as output:
            process = subprocess.Popen(
                [*command, "--disable-hot-restart", "-l", "warning"], stdout=output, stderr=output
            )
        try:
            _wait(process, log, *(port_of(each) for each in listeners))
            yield
        finally:
            process.terminate()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", log: Path, *ports: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    for port in ports:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert process.poll() is None, log.read_text()[-3000:]
                assert time.monotonic() < deadline, log.read_text()[-3000:]
                time.sleep(0.05)
