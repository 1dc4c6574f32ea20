"""A pod's `traffic.sidecar.istio.io/*` annotations, read into a `Capture`."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network

from lateen.intercept.rules import ALL, Capture

PREFIX = "traffic.sidecar.istio.io/"


def capture(annotations: Mapping[str, str], base: Capture | None = None) -> Capture:
    """`base` with what the annotations say instead.

    Raises ValueError, with annotation, value and what is expected, for the first one that is wrong.
    """
    found = base or Capture()

    def read(name: str) -> str | None:
        return annotations.get(PREFIX + name)

    if (text := read("includeInboundPorts")) is not None:
        ports = ALL if text.strip() == ALL else _ports("includeInboundPorts", text)
        found = replace(found, inbound_ports=ports)
    if (text := read("excludeInboundPorts")) is not None:
        found = replace(found, inbound_excluded=_ports("excludeInboundPorts", text))
    if (text := read("includeOutboundPorts")) is not None:
        found = replace(found, outbound_ports=_ports("includeOutboundPorts", text))
    if (text := read("excludeOutboundPorts")) is not None:
        found = replace(found, outbound_excluded=_ports("excludeOutboundPorts", text))
    if (text := read("includeOutboundIPRanges")) is not None:
        ranges = ALL if text.strip() == ALL else _ranges("includeOutboundIPRanges", text)
        found = replace(found, ranges=ranges)
    if (text := read("excludeOutboundIPRanges")) is not None:
        excluded = (*found.ranges_excluded, *_ranges("excludeOutboundIPRanges", text))
        found = replace(found, ranges_excluded=excluded)
    return found


def _ports(name: str, text: str) -> tuple[int, ...]:
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        if not part.isdecimal() or not 0 < int(part) < 65536:
            raise ValueError(f"{PREFIX}{name}: {part!r} is not a port; write them as 80,443")
        found.append(int(part))
    return tuple(found)


def _ranges(name: str, text: str) -> tuple[IPv4Network, ...]:
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(IPv4Network(part, strict=False))
        except ValueError as trouble:
            message = f"{PREFIX}{name}: {part!r} is not an address range such as 10.0.0.0/8"
            raise ValueError(message) from trouble
    return tuple(found)
