"""Istio's own tables about merging Gateways, their kinds of servers and their routes."""

from collections.abc import Callable
from typing import Any

import yaml

from lateen.api.gateway import Gateway
from lateen.config.documents import read
from lateen.envoy import types
from lateen.translate import secrets
from lateen.translate.routes import gateway as gateway_routes
from lateen.view import gateway
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass, ProxyKind
from tests.corpus import tables
from tests.corpus.tables import Row, rows

PROXY = ProxyClass(
    kind=ProxyKind.ROUTER,
    namespace="default",
    labels=(("istio", "ingressgateway"),),
    dns_domain="default.svc.cluster.local",
)


def gateways(row: Row) -> Mesh:
    return tables.mesh_of(*(tables.networking("Gateway", each) for each in row["gwConfig"]))


def test_gateways_merge_as_istio_says() -> None:
    wrong = []
    for row in rows("pilot-pkg-model/TestMergeGateways"):
        mesh = gateways(row)
        servers = gateway.gateway_servers(mesh, PROXY)
        places = {
            (each.port, each.bind, each.protocol if each.is_tls else None) for each in servers
        }
        made: dict[str, int] = {}
        for server in servers:
            if server.route_name:
                made[server.route_name] = made.get(server.route_name, 0) + 1
        found = (len(places), len(gateway.gateways(mesh, PROXY)), made)
        wanted = (row["mergedServersNum"], row["gatewaysNum"], row["serversForRouteNum"])
        if found != wanted:
            wrong.append(f"{row['case']}: {found}, not {wanted}")
    assert wrong == []


def server_of(row: Row) -> gateway.GatewayServer:
    spec = {"servers": [{"hosts": ["*"], **row["server"]}]}
    document = tables.networking("Gateway", {"spec": spec}, name="gateway", namespace="default")
    resource = read(yaml.safe_dump(document), "gateway.yaml").resources[0]
    assert isinstance(resource.spec, Gateway)
    server = resource.spec.servers[0]
    assert server.port is not None
    return gateway.server_of(resource, 0, server, server.port.number)


def test_servers_are_of_the_kinds_that_istio_says() -> None:
    questions: dict[str, Callable[[gateway.GatewayServer], bool]] = {
        "TestIsHTTPServer": lambda server: server.is_http,
        "TestIsPassThroughServer": lambda server: (
            server.server.tls is not None and server.server.tls.mode in gateway.PASSTHROUGH
        ),
        "TestIsTLSServer": lambda server: server.is_tls,
        "TestIsTCPServerWithTLSTermination": lambda server: (
            server.is_tls and not server.is_http and not server.is_passthrough
        ),
    }
    wrong = [
        row["case"]
        for table, question in questions.items()
        for row in rows(f"pkg-config-gateway/{table}")
        if question(server_of(row)) is not row["expected"]
    ]

    assert wrong == []


def test_routes_of_gateways_are_as_istio_says() -> None:
    wrong = []
    for row in rows("pilot-pkg-networking-core/TestGatewayHTTPRouteConfig"):
        mesh = tables.mesh_of(
            *(tables.networking("Gateway", each) for each in row["gateways"]),
            *(tables.networking("VirtualService", each) for each in row["virtualServices"]),
        )
        made = gateway_routes.route_configuration(mesh, PROXY, row["routeName"])
        assert made is not None, row["case"]
        table = types.RouteConfiguration.FromString(made)
        domains = {host.name: list(host.domains) for host in table.virtual_hosts}
        count = {host.name: len(host.routes) for host in table.virtual_hosts}
        redirects = any(host.require_tls for host in table.virtual_hosts)
        found: Any = (domains, {name: n for name, n in count.items() if n}, redirects)
        wanted = (
            row["expectedVirtualHostsHostPortStrip"],
            {name: n for name, n in row["expectedHTTPRoutes"].items() if n},
            row["redirect"],
        )
        if found != wanted:
            wrong.append(f"{row['case']}: {found}, not {wanted}")
    assert wrong == []


def test_names_of_credentials_are_read_as_istio_says() -> None:
    wrong = []
    for row in rows("pilot-pkg-model-credentials/TestParseResourceName"):
        made = secrets.parse(row["resource"], row["defaultNamespace"])
        wanted = row["expected"]
        if row["err"] or wanted.get("resourceType") not in secrets.SCHEMES:
            if made is not None:
                wrong.append(row["case"])
        elif made is None or (made.namespace, made.name) != (wanted["namespace"], wanted["name"]):
            wrong.append(row["case"])
    assert wrong == []
