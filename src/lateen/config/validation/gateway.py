"""Gateway: its servers."""

from lateen.api.gateway import Gateway, Server, ServerTLSSettings
from lateen.api.resource import Resource
from lateen.config.validation import names
from lateen.config.validation.ports import HTTP_PROTOCOLS, TLS_PROTOCOLS, check_protocol
from lateen.config.validation.report import Report
from lateen.config.validation.selectors import check_selector_labels
from lateen.config.validation.server_tls import check_server_tls

UNIX = "unix://"


def check(resource: Resource[Gateway], report: Report) -> None:
    spec = resource.spec
    check_selector_labels(report, "spec.selector", spec.selector)
    if not spec.servers:
        report.error("spec.servers", "gateway must have at least one server")
    seen: set[str] = set()
    for index, server in enumerate(spec.servers):
        path = f"spec.servers[{index}]"
        check_server(report, path, server)
        name = server.port.name if server.port is not None else ""
        if name and name in seen:
            report.error(
                f"{path}.port.name",
                f'port names in servers must be unique: "{name}" is there twice',
            )
        seen.add(name)


def check_server(report: Report, path: str, server: Server) -> None:
    if not server.hosts:
        report.error(f"{path}.hosts", "server must have at least one host")
    for index, host in enumerate(server.hosts):
        check_host(report, f"{path}.hosts[{index}]", host)
    check_server_port(report, path, server)
    check_bind(report, path, server)
    check_server_tls(report, f"{path}.tls", server.tls)
    check_tls_suits_port(report, path, server)


def check_host(report: Report, path: str, host: str) -> None:
    """`dns`, `namespace/dns`, `./dns`, `*/dns`."""
    namespace, slash, name = host.rpartition("/")
    if slash and namespace not in (".", "*") and not names.is_namespace(namespace):
        report.error(path, f'"{namespace}" is not a namespace, nor one of . and *')
    fault = names.long_domain_fault(name)
    if fault and not names.is_ip(name):
        report.error(path, f'"{name}" {fault}')
    names.warn_of_partial_wildcard(report, path, name)


def check_server_port(report: Report, path: str, server: Server) -> None:
    port = server.port
    if port is None:
        report.error(f"{path}.port", "port is required")
        return
    if not port.protocol:
        report.error(f"{path}.port.protocol", "invalid protocol: it is required")
    check_protocol(report, f"{path}.port.protocol", port.protocol)
    if not server.bind.startswith(UNIX):
        names.check_port(report, f"{path}.port.number", port.number)
    if not port.name:
        report.error(f"{path}.port.name", "port name must be set")
    if port.target_port:
        report.warning(f"{path}.port.targetPort", "targetPort has no effect", code="deprecated")


def check_bind(report: Report, path: str, server: Server) -> None:
    bind = server.bind
    if not bind:
        return
    if bind.startswith(UNIX):
        fault = names.unix_path_fault(bind)
        if fault:
            report.error(f"{path}.bind", fault)
        if server.port is not None and server.port.number:
            report.error(
                f"{path}.port.number",
                "port number must be 0 for unix domain socket",
                "remove number",
            )
    elif not names.is_ip(bind):
        report.error(f"{path}.bind", f'"{bind}" is not a valid IP address, nor a unix socket')


def check_tls_suits_port(report: Report, path: str, server: Server) -> None:
    """TLS settings where the protocol is TLS, and only there."""
    protocol = server.port.protocol.upper() if server.port is not None else ""
    if not protocol:
        return
    if protocol in TLS_PROTOCOLS:
        if server.tls is None:
            report.error(path, f"server must have TLS settings for protocol {protocol}", "set tls")
        elif server.tls.https_redirect:
            report.warning(
                f"{path}.tls.httpsRedirect",
                "tls.httpsRedirect should only be used with http servers",
            )
    elif server.tls is not None:
        if protocol not in HTTP_PROTOCOLS:
            report.error(f"{path}.tls", f"server cannot have TLS settings for {protocol} ports")
        elif not only_redirects(server):
            report.error(
                f"{path}.tls",
                "server cannot have TLS settings for plain text HTTP ports",
                "use protocol HTTPS; only httpsRedirect is allowed here",
            )


def only_redirects(server: Server) -> bool:
    tls = server.tls
    return tls is not None and (tls.https_redirect or tls == ServerTLSSettings())
