"""VirtualService: its hosts and gateways, and its TLS and TCP routes.

A VirtualService without hosts is a delegate: HTTP routes only, that another one refers to. HTTP
routes are examined by `http_route`, routes that can never match by `reachability`.
"""

from collections.abc import Sequence

from lateen.api.resource import Resource
from lateen.api.virtual_service import (
    HTTPRoute,
    RouteDestination,
    TCPRoute,
    TLSMatchAttributes,
    TLSRoute,
    VirtualService,
)
from lateen.config.validation import names
from lateen.config.validation.destinations import check_destination, check_gateway_names
from lateen.config.validation.http import is_claim
from lateen.config.validation.http_route import check_http_route
from lateen.config.validation.reachability import check_reachable
from lateen.config.validation.report import Report

MESH = "mesh"


def check(resource: Resource[VirtualService], report: Report) -> None:
    spec = resource.spec
    is_delegate = not spec.hosts
    if is_delegate:
        check_delegate(report, spec)
    on_mesh = not spec.gateways or MESH in spec.gateways
    on_gateway = any(gateway != MESH for gateway in spec.gateways)
    check_gateway_names(report, "spec.gateways", spec.gateways)
    check_hosts(report, spec, on_mesh=on_mesh, on_gateway=on_gateway)
    if not (spec.http or spec.tls or spec.tcp):
        report.error("spec", "http, tcp or tls must be provided in a virtual service")
    for index, route in enumerate(spec.http):
        path = f"spec.http[{index}]"
        check_http_route(report, path, route, is_delegate=is_delegate)
        if not on_gateway and not is_delegate:
            check_no_claims(report, path, route)
    for index, tls in enumerate(spec.tls):
        check_tls_route(report, f"spec.tls[{index}]", tls, spec.hosts)
    for index, tcp in enumerate(spec.tcp):
        check_tcp_route(report, f"spec.tcp[{index}]", tcp)
    names.export_to(report, "spec.exportTo", spec.export_to, resource.namespace, none_allowed=False)
    check_reachable(report, spec)


def check_delegate(report: Report, spec: VirtualService) -> None:
    reason = "a virtual service without hosts is a delegate, which must have no"
    if spec.gateways:
        report.error("spec.gateways", f"{reason} gateways")
    if spec.tls:
        report.error("spec.tls", f"{reason} tls routes")
    if spec.tcp:
        report.error("spec.tcp", f"{reason} tcp routes")


def check_hosts(report: Report, spec: VirtualService, *, on_mesh: bool, on_gateway: bool) -> None:
    sound = True
    for index, host in enumerate(spec.hosts):
        where = f"spec.hosts[{index}]"
        fault = names.gateway_host_fault(host, by_sni=on_gateway and bool(spec.tls))
        if fault and not names.is_ip(host):
            report.error(where, f'"{host}" {fault}')
            sound = False
        elif on_mesh and host == "*":
            report.error(
                where,
                "wildcard host * is not allowed for virtual services bound to the mesh gateway",
                "name hosts, or set gateways",
            )
            sound = False
        names.warn_of_partial_wildcard(report, where, host)
    if sound:
        check_duplicate_hosts(report, spec.hosts)


def check_duplicate_hosts(report: Report, hosts: Sequence[str]) -> None:
    for index, host in enumerate(hosts):
        for earlier in hosts[:index]:
            if names.matches(earlier, host) or names.matches(host, earlier):
                report.error(
                    f"spec.hosts[{index}]",
                    f"duplicate hosts in virtual service: {earlier} & {host}",
                )


def check_no_claims(report: Report, path: str, route: HTTPRoute) -> None:
    for index, match in enumerate(route.match):
        for field, headers in (
            ("headers", match.headers),
            ("withoutHeaders", match.without_headers),
        ):
            for name in headers:
                if is_claim(name):
                    report.error(
                        f"{path}.match[{index}].{field}[{name}]",
                        "JWT claim based routing is only supported on gateways",
                        "bind the virtual service to a gateway",
                    )


def check_tls_route(report: Report, path: str, route: TLSRoute, hosts: Sequence[str]) -> None:
    if not route.match:
        report.error(path, "TLS route must have at least one match condition")
    for index, match in enumerate(route.match):
        check_tls_match(report, f"{path}.match[{index}]", match, hosts)
    if not route.route:
        report.error(path, "TLS route must have at least one route destination", "add route:")
    check_route_destinations(report, f"{path}.route", route.route)


def check_tls_match(
    report: Report, path: str, match: TLSMatchAttributes, hosts: Sequence[str]
) -> None:
    if not match.sni_hosts:
        report.error(path, "TLS match must have at least one SNI host")
    for index, sni in enumerate(match.sni_hosts):
        where = f"{path}.sniHosts[{index}]"
        if names.is_ip(sni):
            report.warning(where, f'"{sni}": clients do not send an IP address as SNI')
            continue
        fault = names.gateway_host_fault(sni, by_sni=True)
        if fault:
            report.error(where, f'"{sni}" {fault}')
        elif not any(names.matches(host, sni) for host in hosts):
            report.error(
                where,
                f'SNI host "{sni}" is not a compatible subset of any of the virtual service '
                f"hosts: {', '.join(hosts)}",
            )
    check_l4_match(
        report,
        path,
        subnets=match.destination_subnets,
        port=match.port,
        labels=match.source_labels,
        gateways=match.gateways,
    )


def check_tcp_route(report: Report, path: str, route: TCPRoute) -> None:
    for index, match in enumerate(route.match):
        where = f"{path}.match[{index}]"
        check_l4_match(
            report,
            where,
            subnets=match.destination_subnets,
            port=match.port,
            labels=match.source_labels,
            gateways=match.gateways,
        )
        if match.source_subnet:
            names.check_subnet(report, f"{where}.sourceSubnet", match.source_subnet)
    if not route.route:
        report.error(path, "TCP route must have at least one route destination", "add route:")
    check_route_destinations(report, f"{path}.route", route.route)


def check_l4_match(
    report: Report,
    path: str,
    *,
    subnets: Sequence[str],
    port: int,
    labels: dict[str, str],
    gateways: Sequence[str],
) -> None:
    for index, subnet in enumerate(subnets):
        names.check_subnet(report, f"{path}.destinationSubnets[{index}]", subnet)
    if port:
        names.check_port(report, f"{path}.port", port)
    names.check_labels(report, f"{path}.sourceLabels", labels)
    check_gateway_names(report, f"{path}.gateways", gateways)


def check_route_destinations(report: Report, path: str, routes: Sequence[RouteDestination]) -> None:
    total = 0
    for index, route in enumerate(routes):
        where = f"{path}[{index}]"
        check_destination(report, f"{where}.destination", route.destination)
        if route.weight < 0:
            report.error(f"{where}.weight", f"weight {route.weight} is negative")
        total += max(route.weight, 0)
    if len(routes) > 1 and total == 0:
        report.error(path, "total destination weight = 0", "give each destination a weight")
