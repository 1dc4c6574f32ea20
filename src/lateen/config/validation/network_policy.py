"""NetworkPolicy, as the Kubernetes API server checks it."""

from ipaddress import IPv4Network, IPv6Network, ip_network

from lateen.api.kubernetes.network_policy import (
    IPBlock,
    NetworkPolicyPeer,
    NetworkPolicyPort,
    NetworkPolicySpec,
)
from lateen.api.kubernetes.selector import LabelSelector
from lateen.api.resource import Resource
from lateen.config.validation.names import check_labels
from lateen.config.validation.report import Report

PROTOCOLS = ("TCP", "UDP", "SCTP")
WITH_VALUES, WITHOUT_VALUES = ("In", "NotIn"), ("Exists", "DoesNotExist")
OPERATORS = (*WITH_VALUES, *WITHOUT_VALUES)
LAST_PORT = 65535


def check(resource: Resource[NetworkPolicySpec], report: Report) -> None:
    spec = resource.spec
    check_label_selector(report, "spec.podSelector", spec.pod_selector)
    for index, into in enumerate(spec.ingress):
        _check_rule(report, f"spec.ingress[{index}]", "from", into.from_, into.ports)
    for index, out in enumerate(spec.egress):
        _check_rule(report, f"spec.egress[{index}]", "to", out.to, out.ports)


def _check_rule(
    report: Report,
    path: str,
    side: str,
    peers: tuple[NetworkPolicyPeer, ...],
    ports: tuple[NetworkPolicyPort, ...],
) -> None:
    for index, peer in enumerate(peers):
        _check_peer(report, f"{path}.{side}[{index}]", peer)
    for index, port in enumerate(ports):
        _check_port(report, f"{path}.ports[{index}]", port)


def check_label_selector(report: Report, path: str, selector: LabelSelector) -> None:
    check_labels(report, f"{path}.matchLabels", selector.match_labels)
    for index, wanted in enumerate(selector.match_expressions):
        place = f"{path}.matchExpressions[{index}]"
        if not wanted.key:
            report.error(f"{place}.key", "must not be empty")
        if wanted.operator not in OPERATORS:
            report.error(
                f"{place}.operator",
                f'"{wanted.operator}" is no operator',
                f"known are {', '.join(OPERATORS)}",
            )
        elif wanted.operator in WITH_VALUES and not wanted.values:
            report.error(f"{place}.values", f"must not be empty with {wanted.operator}")
        elif wanted.operator in WITHOUT_VALUES and wanted.values:
            report.error(f"{place}.values", f"must be empty with {wanted.operator}")


def _check_peer(report: Report, path: str, peer: NetworkPolicyPeer) -> None:
    selectors = (peer.pod_selector, peer.namespace_selector)
    if peer.ip_block is None and selectors == (None, None):
        report.error(path, "names nobody", "give podSelector, namespaceSelector or ipBlock")
    if peer.ip_block is not None:
        if selectors != (None, None):
            report.error(path, "ipBlock stands alone", "write the selectors as another entry")
        _check_block(report, f"{path}.ipBlock", peer.ip_block)
    if peer.pod_selector is not None:
        check_label_selector(report, f"{path}.podSelector", peer.pod_selector)
    if peer.namespace_selector is not None:
        check_label_selector(report, f"{path}.namespaceSelector", peer.namespace_selector)


def _check_block(report: Report, path: str, block: IPBlock) -> None:
    whole = _network(block.cidr)
    if whole is None:
        report.error(f"{path}.cidr", f'"{block.cidr}" is no CIDR block', "such as 10.0.0.0/8")
    for index, text in enumerate(block.except_):
        part = _network(text)
        place = f"{path}.except[{index}]"
        if part is None:
            report.error(place, f'"{text}" is no CIDR block', "such as 10.1.0.0/16")
        elif whole is not None and not _is_inside(part, whole):
            report.error(place, f"{text} is not a smaller block inside {block.cidr}")


def _check_port(report: Report, path: str, port: NetworkPolicyPort) -> None:
    if port.protocol not in PROTOCOLS:
        report.error(
            f"{path}.protocol", f'"{port.protocol}" is unknown', f"known are {', '.join(PROTOCOLS)}"
        )
    number = port.port
    if isinstance(number, int) and not 0 < number <= LAST_PORT:
        report.error(f"{path}.port", f"{number} is no port", f"1 to {LAST_PORT}")
    if port.end_port is None:
        return
    if not isinstance(number, int):
        report.error(f"{path}.endPort", "needs a number in port, the first of the range")
    elif not number <= port.end_port <= LAST_PORT:
        report.error(f"{path}.endPort", f"{port.end_port} must be from {number} to {LAST_PORT}")


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def _is_inside(part: IPv4Network | IPv6Network, whole: IPv4Network | IPv6Network) -> bool:
    if part.version != whole.version or part == whole:
        return False
    return part.subnet_of(whole)  # type: ignore[arg-type] # of one version, as just checked
