"""WorkloadEntry and WorkloadGroup, and the endpoints of a ServiceEntry, which are the same."""

from lateen.api.resource import Resource
from lateen.api.workload_entry import WorkloadEntry
from lateen.api.workload_group import ReadinessProbe, WorkloadGroup
from lateen.config.validation import names
from lateen.config.validation.http import strict_header_name_fault
from lateen.config.validation.ports import check_port_name
from lateen.config.validation.report import Report

UNIX = "unix://"
SCHEMES = ("", "HTTP", "HTTPS")


def check_entry(resource: Resource[WorkloadEntry], report: Report) -> None:
    check_workload(report, "spec", resource.spec)


def check_workload(
    report: Report, path: str, entry: WorkloadEntry, *, is_template: bool = False
) -> None:
    check_address(report, path, entry, is_template=is_template)
    names.check_labels(report, f"{path}.labels", entry.labels)
    for name, port in entry.ports.items():
        check_port_name(report, f"{path}.ports[{name}]", name)
        names.check_port(report, f"{path}.ports[{name}]", port)


def check_address(report: Report, path: str, entry: WorkloadEntry, *, is_template: bool) -> None:
    address, where = entry.address, f"{path}.address"
    if not address:
        if not entry.network and not is_template:
            report.error(where, "address is required, unless network is set")
    elif address.startswith(UNIX):
        fault = names.unix_path_fault(address)
        if fault:
            report.error(where, fault)
        if entry.ports:
            report.error(f"{path}.ports", "UDS may not include ports")
    elif not names.is_ip(address) and not names.is_fqdn(address):
        report.error(
            where, f'"{address}" is neither an IP address, a domain name nor a unix socket'
        )


def check_group(resource: Resource[WorkloadGroup], report: Report) -> None:
    spec = resource.spec
    if spec.template is None:
        report.error("spec.template", "template is required")
    else:
        check_workload(report, "spec.template", spec.template, is_template=True)
    if spec.metadata is not None:
        names.check_labels(report, "spec.metadata.labels", spec.metadata.labels)
        for key in spec.metadata.annotations:
            fault = names.label_key_fault(key)
            if fault:
                report.error(f"spec.metadata.annotations[{key}]", fault)
    check_probe(report, "spec.probe", spec.probe)


def check_probe(report: Report, path: str, probe: ReadinessProbe | None) -> None:
    if probe is None:
        return
    for field, value in (
        ("initialDelaySeconds", probe.initial_delay_seconds),
        ("timeoutSeconds", probe.timeout_seconds),
        ("periodSeconds", probe.period_seconds),
        ("successThreshold", probe.success_threshold),
        ("failureThreshold", probe.failure_threshold),
    ):
        if value < 0:
            report.error(f"{path}.{field}", f"must not be negative, not {value}")
    if probe.http_get is not None:
        get = probe.http_get
        names.check_port(report, f"{path}.httpGet.port", get.port)
        if get.scheme not in SCHEMES:
            report.error(f"{path}.httpGet.scheme", f'"{get.scheme}" is neither HTTP nor HTTPS')
        for index, header in enumerate(get.http_headers):
            fault = strict_header_name_fault(header.name)
            if fault:
                report.error(f"{path}.httpGet.httpHeaders[{index}].name", fault)
    if probe.tcp_socket is not None:
        names.check_port(report, f"{path}.tcpSocket.port", probe.tcp_socket.port)
    if probe.grpc is not None:
        names.check_port(report, f"{path}.grpc.port", probe.grpc.port)
    if probe.exec is not None and not probe.exec.command:
        report.error(f"{path}.exec.command", "command is required")
