"""Routes of one service and port, as gRPC reads them.

What gRPC has no filter for is left out; timeouts are those of streams, the only ones it knows.
"""

from typing import Any

from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.translate import names
from lateen.translate.addresses import service_addresses
from lateen.translate.routes import domains, virtual_host
from lateen.translate.routes.filter_config import FAULT_FILTER
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.scope import egress_listeners, find_service, outbound_scope


@derived
def route_configuration(mesh: Mesh, client: ProxyClass, name: str) -> bytes | None:
    """`name` is the cluster's: `outbound|80||host`."""
    wanted = names.parse_cluster(name)
    scope = outbound_scope(mesh, client).anywhere()
    service = find_service(mesh, scope, wanted.host) if wanted is not None else None
    if wanted is None or service is None:
        return None
    forms = domains.service_domains(
        service, dns_domain=client.dns_domain, addresses=service_addresses(service, client)
    )
    authorities = domains.bare_and_with_port(forms.names, wanted.port)
    last = len(egress_listeners(mesh, scope)) - 1  # the one that takes what no port was listed for
    part = virtual_host.service_host(
        mesh, scope, last, wanted.host, wanted.port, tuple(dict.fromkeys(authorities))
    )
    made = types.RouteConfiguration.FromString(part)
    made.name = name
    for host in made.virtual_hosts:
        for route in host.routes:
            _reduce(route)
    return messages.serialize(made)


def _reduce(route: Any) -> None:
    per_filter = route.typed_per_filter_config
    for filter_name in [each for each in per_filter if each != FAULT_FILTER]:
        del per_filter[filter_name]
    if route.HasField("route"):
        action = route.route
        action.max_stream_duration.max_stream_duration.CopyFrom(action.timeout)
        action.ClearField("timeout")
        action.ClearField("max_grpc_timeout")
