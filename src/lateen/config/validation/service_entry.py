"""ServiceEntry: hosts, ports, and the endpoints that its resolution allows."""

from lateen.api.resource import Resource
from lateen.api.service_entry import Resolution, ServiceEntry, ServicePort
from lateen.config.validation import names
from lateen.config.validation.ports import (
    HTTP_PROTOCOLS,
    TLS_PROTOCOLS,
    check_port_name,
    check_protocol,
)
from lateen.config.validation.report import Report
from lateen.config.validation.selectors import check_networking_selector
from lateen.config.validation.workload import UNIX, check_workload

DYNAMIC_PROTOCOLS = frozenset(("HTTP", "HTTP2", "GRPC", "GRPC-WEB", "TLS"))
HOST_LIMIT = 256


def check(resource: Resource[ServiceEntry], report: Report) -> None:
    spec = resource.spec
    check_hosts(report, spec)
    check_selector(report, spec)
    check_addresses(report, spec)
    check_ports(report, spec)
    match spec.resolution:
        case Resolution.NONE:
            check_none(report, spec)
        case Resolution.STATIC:
            check_static(report, spec)
        case Resolution.DNS | Resolution.DNS_ROUND_ROBIN:
            check_dns(report, spec)
        case Resolution.DYNAMIC_DNS:
            check_dynamic(report, spec)
    warn_of_open_port(report, spec)
    names.export_to(report, "spec.exportTo", spec.export_to, resource.namespace, none_allowed=True)


def check_hosts(report: Report, spec: ServiceEntry) -> None:
    if not spec.hosts:
        report.error("spec.hosts", "service entry must have at least one host (Required value)")
    if len(spec.hosts) > HOST_LIMIT:
        report.error("spec.hosts", f"at most {HOST_LIMIT} hosts, not {len(spec.hosts)}")
    for index, host in enumerate(spec.hosts):
        where = f"spec.hosts[{index}]"
        if host == "*":
            report.error(where, "hostname cannot be wildcard")
            continue
        fault = names.wildcard_domain_fault(host)
        if fault:
            report.error(where, f'"{host}" {fault}')
        names.warn_of_partial_wildcard(report, where, host)


def check_selector(report: Report, spec: ServiceEntry) -> None:
    if spec.workload_selector is None:
        return
    if spec.endpoints:
        report.error(
            "spec", "only one of workloadSelector and endpoints can be set", "remove one of them"
        )
    check_networking_selector(report, "spec.workloadSelector", spec.workload_selector)
    if spec.resolution is Resolution.NONE:
        report.warning(
            "spec.resolution",
            "resolution NONE takes connections to where they were going and so does not use "
            "the workloads selected",
            "set resolution: STATIC",
        )


def check_addresses(report: Report, spec: ServiceEntry) -> None:
    with_block = False
    for index, address in enumerate(spec.addresses):
        names.check_subnet(report, f"spec.addresses[{index}]", address)
        with_block = with_block or "/" in address
    if with_block and spec.resolution not in (Resolution.NONE, Resolution.STATIC):
        report.error(
            "spec.addresses", "CIDR addresses are allowed only for NONE and STATIC resolution"
        )


def check_ports(report: Report, spec: ServiceEntry) -> None:
    names_seen: set[str] = set()
    numbers_seen: set[int] = set()
    for index, port in enumerate(spec.ports):
        path = f"spec.ports[{index}]"
        if port.name in names_seen:
            report.error(f"{path}.name", f'port name "{port.name}" is already defined')
        if port.number in numbers_seen:
            report.error(f"{path}.number", f"port {port.number} is already defined")
        names_seen.add(port.name)
        numbers_seen.add(port.number)
        check_port_name(report, f"{path}.name", port.name)
        check_protocol(report, f"{path}.protocol", port.protocol)
        names.check_port(report, f"{path}.number", port.number)
        if port.target_port:
            names.check_port(report, f"{path}.targetPort", port.target_port)
            warn_of_target_port(report, path, spec, port)


def warn_of_target_port(report: Report, path: str, spec: ServiceEntry, port: ServicePort) -> None:
    if spec.resolution is Resolution.NONE and port.target_port != port.number:
        report.warning(
            f"{path}.targetPort", "targetPort has no effect with resolution NONE", "set resolution"
        )


def check_none(report: Report, spec: ServiceEntry) -> None:
    if spec.endpoints:
        report.error("spec.endpoints", "no endpoints should be provided for resolution type none")


def check_static(report: Report, spec: ServiceEntry) -> None:
    port_names = {port.name for port in spec.ports}
    on_socket = False
    for index, endpoint in enumerate(spec.endpoints):
        path = f"spec.endpoints[{index}]"
        check_workload(report, path, endpoint)
        if endpoint.address.startswith(UNIX):
            on_socket = True
        elif endpoint.address and not names.is_ip(endpoint.address):
            report.error(
                f"{path}.address",
                f'"{endpoint.address}" must be an IP address for resolution STATIC',
                "use resolution: DNS for names",
            )
        check_port_references(report, path, endpoint.ports, port_names)
    if on_socket and len(spec.ports) != 1:
        report.error("spec.ports", "exactly 1 service port required for unix endpoints")


def check_port_references(
    report: Report, path: str, ports: dict[str, int], known: set[str]
) -> None:
    for name in ports:
        if name not in known:
            report.error(f"{path}.ports[{name}]", f'endpoint port "{name}" is not defined in ports')


def check_dns(report: Report, spec: ServiceEntry) -> None:
    if not spec.endpoints and spec.workload_selector is None:
        for index, host in enumerate(spec.hosts):
            if host.startswith("*") and host != "*":
                report.error(
                    f"spec.hosts[{index}]",
                    f"hosts must be FQDN if no endpoints are provided for resolution mode "
                    f'{spec.resolution}, not "{host}"',
                )
    if spec.resolution is Resolution.DNS_ROUND_ROBIN and len(spec.endpoints) > 1:
        report.error(
            "spec.endpoints",
            f"there must only be 0 or 1 endpoint for resolution mode {spec.resolution}",
        )
    port_names = {port.name for port in spec.ports}
    for index, endpoint in enumerate(spec.endpoints):
        path = f"spec.endpoints[{index}]"
        if endpoint.address.startswith(UNIX):
            report.error(f"{path}.address", "a unix socket needs resolution STATIC")
        check_workload(report, path, endpoint)
        check_port_references(report, path, endpoint.ports, port_names)
    warn_of_shared_address(report, spec)


def warn_of_shared_address(report: Report, spec: ServiceEntry) -> None:
    """Several names behind one address can be told apart by HTTP or TLS only by what is inside."""
    if len(spec.hosts) > 1 and spec.addresses:
        for index, port in enumerate(spec.ports):
            if port.protocol.upper() not in HTTP_PROTOCOLS:
                report.warning(
                    f"spec.ports[{index}]",
                    "several hosts share an address, and this protocol does not tell them apart: "
                    "traffic goes to the first",
                    "write one service entry for each host",
                )


def check_dynamic(report: Report, spec: ServiceEntry) -> None:
    if len(spec.hosts) != 1 or not spec.hosts[0].startswith("*"):
        report.error("spec.hosts", "DYNAMIC_DNS takes exactly one host, with a wildcard")
    if spec.endpoints:
        report.error("spec.endpoints", "no endpoints may be set for DYNAMIC_DNS")
    if spec.addresses:
        report.error("spec.addresses", "no addresses may be set for DYNAMIC_DNS")
    if spec.workload_selector is not None:
        report.error("spec.workloadSelector", "no workloadSelector may be set for DYNAMIC_DNS")
    for index, port in enumerate(spec.ports):
        if port.protocol.upper() not in DYNAMIC_PROTOCOLS:
            report.error(
                f"spec.ports[{index}].protocol",
                "DYNAMIC_DNS takes HTTP, HTTP2, GRPC and TLS, whose requests carry the name",
            )


def warn_of_open_port(report: Report, spec: ServiceEntry) -> None:
    """Without an address, a TCP port takes all traffic to that port, whatever the host."""
    if spec.addresses or spec.resolution is not Resolution.NONE:
        return
    for index, port in enumerate(spec.ports):
        protocol = port.protocol.upper()
        if protocol not in HTTP_PROTOCOLS and protocol not in TLS_PROTOCOLS:
            report.warning(
                f"spec.ports[{index}].protocol",
                f"{protocol or 'unset'} protocol without addresses matches all traffic to port "
                f"{port.number}",
                "set addresses, or a protocol that carries the host",
            )
