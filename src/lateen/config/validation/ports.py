"""Ports of Gateways, ServiceEntries and Sidecars: number, protocol, name."""

from lateen.config.validation import names
from lateen.config.validation.report import Report

PROTOCOLS = frozenset(
    (
        "GRPC",
        "GRPC-WEB",
        "HTTP",
        "HTTP_PROXY",
        "HTTP2",
        "HTTPS",
        "TCP",
        "TLS",
        "UDP",
        "MONGO",
        "REDIS",
        "MYSQL",
        "HBONE",
        "DOUBLEHBONE",
    )
)
TLS_PROTOCOLS = frozenset(("HTTPS", "TLS"))
HTTP_PROTOCOLS = frozenset(("HTTP", "HTTP2", "HTTP_PROXY", "GRPC", "GRPC-WEB"))


def check_protocol(report: Report, path: str, protocol: str) -> None:
    """Empty means that the protocol is found out from the traffic."""
    if protocol and protocol.upper() not in PROTOCOLS:
        report.error(
            path, f'invalid protocol "{protocol}"', f"known are {', '.join(sorted(PROTOCOLS))}"
        )


def check_port_name(report: Report, path: str, name: str) -> None:
    if not names.is_dns_label(name):
        report.error(path, f'invalid port name: "{name}"', "letters, digits and -, at most 63")
