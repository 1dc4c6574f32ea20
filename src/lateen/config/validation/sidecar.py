"""Sidecar: its listeners, the hosts that it imports and excludes, and the outbound policy."""

from collections.abc import Sequence

from lateen.api.gateway import ServerTLSSettings, TLSmode
from lateen.api.resource import Resource
from lateen.api.sidecar import (
    CaptureMode,
    IstioEgressListener,
    IstioIngressListener,
    OutboundTrafficPolicy,
    OutboundTrafficPolicyMode,
    Sidecar,
    SidecarPort,
)
from lateen.config.validation import names
from lateen.config.validation.destinations import check_destination
from lateen.config.validation.ports import TLS_PROTOCOLS, check_protocol
from lateen.config.validation.report import Report
from lateen.config.validation.selectors import check_networking_selector
from lateen.config.validation.server_tls import check_server_tls
from lateen.config.validation.traffic_policy import check_connection_pool
from lateen.config.validation.workload import UNIX

LOCAL_ADDRESSES = ("127.0.0.1", "0.0.0.0", "::1", "::")


def check(resource: Resource[Sidecar], report: Report) -> None:
    spec = resource.spec
    check_networking_selector(report, "spec.workloadSelector", spec.workload_selector)
    if spec == Sidecar(workload_selector=spec.workload_selector):
        report.error(
            "spec",
            "sidecar: must specify at least one of ingress, egress, outboundTrafficPolicy or "
            "inboundConnectionPool",
        )
    check_connection_pool(report, "spec.inboundConnectionPool", spec.inbound_connection_pool)
    check_ingress(report, spec.ingress)
    check_egress(report, spec.egress, resource.namespace)
    check_outbound_policy(report, spec.outbound_traffic_policy)


def check_ingress(report: Report, listeners: Sequence[IstioIngressListener]) -> None:
    seen: set[int] = set()
    for index, listener in enumerate(listeners):
        path = f"spec.ingress[{index}]"
        if listener.port is None:
            report.error(f"{path}.port", "port is required for ingress listeners")
            continue
        if listener.port.number in seen:
            report.error(f"{path}.port.number", f"port {listener.port.number} is there twice")
        seen.add(listener.port.number)
        if listener.bind.startswith(UNIX):
            report.error(f"{path}.bind", "an ingress listener cannot be a unix socket")
        check_port_and_bind(report, path, listener.port, listener.bind, listener.capture_mode)
        check_default_endpoint(report, f"{path}.defaultEndpoint", listener.default_endpoint)
        check_ingress_tls(report, f"{path}.tls", listener)
        check_connection_pool(report, f"{path}.connectionPool", listener.connection_pool)


def check_port_and_bind(
    report: Report, path: str, port: SidecarPort, bind: str, mode: CaptureMode
) -> None:
    check_protocol(report, f"{path}.port.protocol", port.protocol)
    on_socket = bind.startswith(UNIX)
    if on_socket:
        fault = names.unix_path_fault(bind)
        if fault:
            report.error(f"{path}.bind", fault)
        if port.number:
            report.error(f"{path}.port.number", "port number must be 0 for a unix socket")
        if mode not in (CaptureMode.DEFAULT, CaptureMode.NONE):
            report.error(f"{path}.captureMode", "a unix socket is never captured", "use NONE")
        return
    names.check_port(report, f"{path}.port.number", port.number)
    if bind and not names.is_ip(bind):
        report.error(f"{path}.bind", f'"{bind}" is neither an IP address nor a unix socket')


def check_default_endpoint(report: Report, path: str, endpoint: str) -> None:
    """`127.0.0.1:PORT`, `0.0.0.0:PORT`, the same in IPv6, or a unix socket."""
    if not endpoint:
        return
    if endpoint.startswith(UNIX):
        fault = names.unix_path_fault(endpoint)
        if fault:
            report.error(path, fault)
        return
    host, _, port = endpoint.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if host not in LOCAL_ADDRESSES:
        report.error(
            path,
            f'"{endpoint}" must be of the form 127.0.0.1:PORT, 0.0.0.0:PORT, [::1]:PORT, '
            "[::]:PORT, or unix:///path",
        )
    if not port.isdigit():
        report.error(path, f'"{endpoint}" has no port number at its end')
    else:
        names.check_port(report, path, int(port))


def check_ingress_tls(report: Report, path: str, listener: IstioIngressListener) -> None:
    tls = listener.tls
    if tls is None:
        return
    for name, value in unsupported(tls).items():
        if value:
            report.error(f"{path}.{name}", f"{name} is not supported for a sidecar")
    if tls.mode not in (TLSmode.SIMPLE, TLSmode.MUTUAL, TLSmode.OPTIONAL_MUTUAL):
        report.error(f"{path}.mode", f"a sidecar's listener takes SIMPLE or MUTUAL, not {tls.mode}")
    if listener.port is not None and listener.port.protocol.upper() not in TLS_PROTOCOLS:
        report.error(path, "TLS settings need a port of protocol HTTPS or TLS")
    check_server_tls(report, path, tls)


def unsupported(tls: ServerTLSSettings) -> dict[str, object]:
    return {
        "httpsRedirect": tls.https_redirect,
        "subjectAltNames": tls.subject_alt_names,
        "credentialName": tls.credential_name,
        "credentialNames": tls.credential_names,
        "tlsCertificates": tls.tls_certificates,
    }


def check_egress(report: Report, listeners: Sequence[IstioEgressListener], namespace: str) -> None:
    ports: set[int] = set()
    sockets: set[str] = set()
    for index, listener in enumerate(listeners):
        path = f"spec.egress[{index}]"
        check_egress_hosts(report, path, listener.hosts, namespace)
        if listener.port is None:
            check_catch_all(report, path, listener, is_last=index == len(listeners) - 1)
            continue
        check_port_and_bind(report, path, listener.port, listener.bind, listener.capture_mode)
        if listener.bind.startswith(UNIX):
            if listener.bind in sockets:
                report.error(f"{path}.bind", f"{listener.bind} is there twice")
            sockets.add(listener.bind)
        elif listener.port.number in ports:
            report.error(f"{path}.port.number", f"port {listener.port.number} is there twice")
        else:
            ports.add(listener.port.number)


def check_catch_all(
    report: Report, path: str, listener: IstioEgressListener, *, is_last: bool
) -> None:
    if listener.bind:
        report.error(f"{path}.bind", "a listener without a port cannot have a bind")
    if not is_last:
        report.error(
            path, "the egress listener with empty port must be the last one", "move it to the end"
        )


def check_egress_hosts(report: Report, path: str, hosts: Sequence[str], namespace: str) -> None:
    if not hosts:
        report.error(f"{path}.hosts", "egress listener must contain at least one host")
    for index, host in enumerate(hosts):
        check_egress_host(report, f"{path}.hosts[{index}]", host)
    warn_of_repetition(report, f"{path}.hosts", hosts, namespace)


def warn_of_repetition(report: Report, path: str, hosts: Sequence[str], own_namespace: str) -> None:
    """A host that another entry of the list imports already."""
    imported: dict[str, set[str]] = {}
    for index, host in enumerate(hosts):
        namespace, _, name = host.partition("/")
        if namespace.startswith("~"):
            continue
        namespace = own_namespace if namespace == "." else namespace
        there = imported.setdefault(namespace, set())
        if there if name == "*" else there & {name, "*"}:
            report.warning(f"{path}[{index}]", f"duplicated egress host: {host}")
        there.add(name)
    if "*" in imported.get("*", set()) and len(imported) > 1:
        report.warning(path, "*/* selects everything; the other hosts add nothing")


def check_egress_host(report: Report, path: str, host: str) -> None:
    """`namespace/dns`; a `~` before the namespace excludes."""
    namespace, slash, name = host.partition("/")
    if not slash:
        report.error(path, f'"{host}" must be of the form NAMESPACE/HOST', f'write "./{host}"?')
        return
    if namespace.startswith("~") and namespace != "~":
        namespace = namespace[1:]
    if namespace not in ("*", ".", "~") and not names.is_namespace(namespace):
        report.error(path, f'"{namespace}" is not a namespace, nor one of * . ~')
    fault = names.long_domain_fault(name)
    if fault:
        report.error(path, f'"{name}" {fault}')


def check_outbound_policy(report: Report, policy: OutboundTrafficPolicy | None) -> None:
    if policy is None or policy.egress_proxy is None:
        return
    path = "spec.outboundTrafficPolicy.egressProxy"
    if policy.mode is not OutboundTrafficPolicyMode.ALLOW_ANY:
        report.error(path, "egressProxy needs outboundTrafficPolicy.mode ALLOW_ANY")
    if policy.egress_proxy.port is None:
        report.error(f"{path}.port", "port is required for an egress proxy")
    check_destination(report, path, policy.egress_proxy)
