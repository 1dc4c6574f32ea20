"""Where a route leads, and on which gateways it holds: shared by HTTP, TLS and TCP routes."""

from collections.abc import Sequence

from lateen.api.virtual_service import Destination
from lateen.config.validation import names
from lateen.config.validation.report import Report


def check_gateway_names(report: Report, path: str, gateways: Sequence[str]) -> None:
    """`name`, `namespace/name` or `./name`; dotted names are a legacy form."""
    for index, gateway in enumerate(gateways):
        where = f"{path}[{index}]"
        namespace, slash, name = gateway.rpartition("/")
        if not slash:
            if not names.is_fqdn(name):
                report.error(where, f'"{gateway}" is not the name of a gateway')
            elif "." in name:
                report.warning(
                    where,
                    f'"{gateway}" is the legacy form of a gateway name',
                    "write NAMESPACE/NAME",
                )
            continue
        if not namespace or not name:
            report.error(where, f'"{gateway}" must have both a namespace and a name')
        elif (namespace != "." and not names.is_namespace(namespace)) or not names.is_fqdn(name):
            report.error(where, f'"{gateway}" is not of the form NAMESPACE/NAME')


def check_destination(report: Report, path: str, destination: Destination | None) -> None:
    if destination is None:
        report.error(path, "destination is required")
        return
    host = destination.host
    if host == "*":
        report.error(f"{path}.host", 'invalid destination host "*"')
    else:
        fault = names.wildcard_domain_fault(host)
        if fault:
            report.error(f"{path}.host", f'"{host}" {fault}')
    if destination.subset and not names.is_dns_label(destination.subset):
        report.error(f"{path}.subset", f'"{destination.subset}" is not the name of a subset')
    if destination.port is not None:
        names.check_port(report, f"{path}.port.number", destination.port.number)
