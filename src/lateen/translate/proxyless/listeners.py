"""Listeners of gRPC clients, which name the routes of a host and port, and of gRPC servers.

A server's port is mutual TLS where PeerAuthentication says STRICT. gRPC cannot take both kinds, so
PERMISSIVE is mutual TLS too for a workload that its clients know to have it, else plain text.
Policies that gRPC has no filter for (tokens, CUSTOM) leave the server without a listener: it does
not serve rather than serve everybody.
"""

from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address
from typing import Any

from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.translate import names
from lateen.translate.authorization import filters as authorization
from lateen.translate.filters import http, network
from lateen.translate.listeners import build
from lateen.translate.proxyless import tls
from lateen.view.authentication import MutualTLSMode, peer_mode
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.scope import find_service, outbound_scope

INBOUND = "xds.istio.io/grpc/lds/inbound/"
TLS_MODE = ("security.istio.io/tlsMode", "istio")
RBAC = "envoy.filters.http.rbac"


@derived
def listener(mesh: Mesh, proxy_class: ProxyClass, name: str) -> bytes | None:
    if name.startswith(INBOUND):
        return _server(mesh, proxy_class, name)
    return _client(mesh, proxy_class, name)


def _client(mesh: Mesh, client: ProxyClass, name: str) -> bytes | None:
    host, _, number = name.rpartition(":")
    if not host or not number.isdecimal():
        return None
    scope = outbound_scope(mesh, client).anywhere()
    for hostname in _completed(host, client.dns_domain):
        service = find_service(mesh, scope, hostname)
        if service is not None and service.port(int(number)) is not None:
            manager = types.HttpConnectionManager()
            manager.rds.config_source.ads.SetInParent()
            manager.rds.config_source.resource_api_version = "V3"
            manager.rds.route_config_name = names.outbound_cluster(int(number), "", hostname)
            manager.http_filters.extend((_fault(), _router()))
            made = types.Listener(name=name)
            made.api_listener.api_listener.CopyFrom(messages.pack(manager))
            return messages.serialize(made)
    return None


def _completed(host: str, dns_domain: str) -> Iterator[str]:
    """The host, and what the resolver's search list would make of it."""
    yield host
    while dns_domain:
        yield f"{host}.{dns_domain}"
        _, _, dns_domain = dns_domain.partition(".")


def _server(mesh: Mesh, server: ProxyClass, name: str) -> bytes | None:
    address, _, number = name.removeprefix(INBOUND).rpartition(":")
    policies = authorization.http_filters(mesh, server)
    if not number.isdecimal() or any(each.name != RBAC for each in policies):
        return None
    try:
        host = str(ip_address(address.strip("[]")))
    except ValueError:
        return None
    manager = types.HttpConnectionManager()
    virtual = manager.route_config.virtual_hosts.add(name=f"inbound|http|{number}", domains=["*"])
    route = virtual.routes.add(name="default")
    route.match.prefix = "/"
    route.non_forwarding_action.SetInParent()
    manager.http_filters.extend((*policies, _router()))
    made = types.Listener(name=name)
    made.address.CopyFrom(build.socket_address(host, int(number)))
    chain = made.filter_chains.add(name="inbound")
    chain.filters.append(network.network_filter(network.HTTP_CONNECTION_MANAGER, manager))
    if _is_mutual(mesh, server, int(number)):
        chain.transport_socket.CopyFrom(tls.server_socket())
    return messages.serialize(made)


def _is_mutual(mesh: Mesh, server: ProxyClass, port: int) -> bool:
    mode = peer_mode(mesh, server.namespace, server.labels, port)
    return mode is MutualTLSMode.STRICT or (
        mode is MutualTLSMode.PERMISSIVE and TLS_MODE in server.labels
    )


@cache
def _fault() -> Any:
    return http.http_filter(http.FAULT, types.HTTPFault())


@cache
def _router() -> Any:
    return http.http_filter(http.ROUTER, types.Router())
