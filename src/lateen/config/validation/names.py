"""Names and addresses: what a host, a label, an address, a port may look like.

The `is_` functions answer alone; the `check_` functions report.
"""

import ipaddress
import re
from collections.abc import Mapping

from lateen.config.validation.report import Report

DNS_LABEL = re.compile(r"[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?")
KUBERNETES_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
WILDCARD_PREFIX = re.compile(rf"\*|(?:\*-?)?{DNS_LABEL.pattern}")
LABEL_TEXT = re.compile(r"(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
SNI_HOST = re.compile(r"outbound_\.(\d{1,5})_\.(.*)_\.(.+)")
LONGEST_NAME = 255
LONGEST_LABEL = 63


def is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def is_subnet(text: str) -> bool:
    """An address, or a CIDR block; its host bits may be set."""
    if "/" not in text:
        return is_ip(text)
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return text.rpartition("/")[2].isdigit()


def is_fqdn(name: str) -> bool:
    return fqdn_fault(name) == ""


def fqdn_fault(name: str) -> str:
    """What keeps `name` from being a domain name, or nothing."""
    if not name:
        return "is an empty domain name"
    if len(name) > LONGEST_NAME:
        return f"is too long: at most {LONGEST_NAME} characters"
    labels = name.removesuffix(".").split(".")
    if labels[-1].isdigit():
        return "is invalid: only an IP address ends with a number"
    for label in labels:
        if len(label) > LONGEST_LABEL:
            return f'has a part longer than {LONGEST_LABEL} characters: "{label}"'
        if not DNS_LABEL.fullmatch(label):
            return f'is not a domain name: the part "{label}" is invalid'
    return ""


def wildcard_domain_fault(name: str) -> str:
    """As `fqdn_fault`, where the first part may be or begin with `*`."""
    if not name:
        return "is an empty domain name"
    if len(name) > LONGEST_NAME:
        return f"is too long: at most {LONGEST_NAME} characters"
    if name == "*":
        return ""
    first, _, rest = name.partition(".")
    if len(first) > LONGEST_LABEL or not WILDCARD_PREFIX.fullmatch(first):
        return f'is not a domain name: the part "{first}" is invalid'
    return fqdn_fault(rest) if rest else ""


def long_domain_fault(name: str) -> str:
    """As `wildcard_domain_fault`, where a short name would belong to no namespace."""
    if name != "*" and "." not in name:
        return "is a short name, which is not allowed here"
    return wildcard_domain_fault(name)


def warn_of_partial_wildcard(report: Report, path: str, name: str) -> None:
    """`*a.b`: TLS certificates and SNI have no such wildcard, so that it works for HTTP alone."""
    if "*" in name and name != "*" and not name.startswith("*."):
        report.warning(path, f'partial wildcard "{name}" works for plain HTTP only', 'use "*."')


def gateway_host_fault(name: str, *, by_sni: bool) -> str:
    """A host of a VirtualService on a gateway: with TLS routes also an `outbound_.80_...` name."""
    if by_sni and name.startswith("outbound_"):
        match = SNI_HOST.fullmatch(name)
        if match is None or not 0 < int(match[1]) <= 65535:
            return "is not of the form outbound_.PORT_.SUBSET_.HOST"
        return fqdn_fault(match[3])
    return wildcard_domain_fault(name)


def is_dns_label(name: str) -> bool:
    return len(name) <= LONGEST_LABEL and DNS_LABEL.fullmatch(name) is not None


def is_namespace(name: str) -> bool:
    return len(name) <= LONGEST_LABEL and KUBERNETES_LABEL.fullmatch(name) is not None


def matches(pattern: str, name: str) -> bool:
    """Does the wildcard or exact host `pattern` cover the host or wildcard `name`."""
    if pattern.startswith("*"):
        return name.removeprefix("*").endswith(pattern[1:]) and len(name) >= len(pattern)
    return pattern == name


def label_key_fault(key: str) -> str:
    prefix, slash, name = key.rpartition("/")
    if not key:
        return "key must not be empty"
    if slash and not is_fqdn(prefix):
        return f'the prefix "{prefix}" is not a domain name'
    if len(name) > LONGEST_LABEL or not LABEL_TEXT.fullmatch(name):
        return f'"{name}" must be letters, digits, - _ . and at most {LONGEST_LABEL} long'
    return ""


def label_value_fault(value: str) -> str:
    if value and (len(value) > LONGEST_LABEL or not LABEL_TEXT.fullmatch(value)):
        return f'"{value}" must be letters, digits, - _ . and at most {LONGEST_LABEL} long'
    return ""


def check_labels(report: Report, path: str, labels: Mapping[str, str]) -> None:
    for key, value in labels.items():
        fault = label_key_fault(key)
        if fault:
            report.error(f"{path}[{key}]", f"is not a label key: {fault}")
        fault = label_value_fault(value)
        if fault:
            report.error(f"{path}[{key}]", f"is not a label value: {fault}")


def check_port(report: Report, path: str, number: int) -> None:
    if not 1 <= number <= 65535:
        report.error(path, f"port number {number} is out of range: port must be between 1-65535")


def check_subnet(report: Report, path: str, text: str) -> None:
    if not is_subnet(text):
        report.error(path, f'"{text}" is neither an IP address nor a CIDR block')


def unix_path_fault(address: str) -> str:
    """What is wrong with `unix://PATH`."""
    path = address.removeprefix("unix://")
    if path.startswith("@"):
        return "" if len(path) > 1 else "UDS has an empty name"
    if not path.startswith("/"):
        return "UDS must be an absolute path or abstract socket"
    if path.endswith("/"):
        return "UDS may not be a dir"
    return ""


def export_to(
    report: Report, path: str, targets: tuple[str, ...], namespace: str, *, none_allowed: bool
) -> None:
    """`exportTo`: `*`, `.`, `~` or namespaces, each once."""
    seen: set[str] = set()
    for index, target in enumerate(targets):
        where = f"{path}[{index}]"
        place = namespace if target == "." else target
        if place in seen:
            report.error(where, f'"{target}" names a namespace that is there already')
        seen.add(place)
        if target == "~" and not none_allowed:
            report.error(where, '"~" is allowed for ServiceEntries and Services only')
        elif target not in ("*", ".", "~") and not is_namespace(target):
            report.error(where, f'"{target}" is not a namespace, nor one of * . ~')
    for symbol, meaning in (("*", "all namespaces"), ("~", "no namespace")):
        if symbol in targets and len(targets) > 1:
            report.error(path, f'"{symbol}" means {meaning} and cannot be combined with others')
