"""Capture annotations of pods."""

from ipaddress import IPv4Network

import pytest

from lateen.intercept.annotations import PREFIX, capture
from lateen.intercept.rules import ALL, Capture


def read(**annotations: str) -> Capture:
    return capture({PREFIX + name: value for name, value in annotations.items()})


def test_no_annotation_captures_everything() -> None:
    assert capture({}) == Capture()


def test_ports_are_read_as_a_list() -> None:
    assert read(excludeOutboundPorts="80, 443").outbound_excluded == (80, 443)


def test_star_includes_all_inbound_ports() -> None:
    assert read(includeInboundPorts="*").inbound_ports == ALL


def test_empty_value_includes_no_inbound_port() -> None:
    assert read(includeInboundPorts="").inbound_ports == ()


def test_ranges_are_networks() -> None:
    assert read(includeOutboundIPRanges="10.1.2.3/8").ranges == (IPv4Network("10.0.0.0/8"),)


def test_excluded_ranges_add_to_those_of_the_base() -> None:
    base = Capture(ranges_excluded=(IPv4Network("1.0.0.0/8"),))
    found = capture({PREFIX + "excludeOutboundIPRanges": "2.0.0.0/8"}, base)

    assert found.ranges_excluded == (IPv4Network("1.0.0.0/8"), IPv4Network("2.0.0.0/8"))


def test_wrong_port_is_refused_with_name_value_and_remedy() -> None:
    with pytest.raises(ValueError, match=r"excludeInboundPorts: 'http' is not a port"):
        read(excludeInboundPorts="http")


def test_wrong_range_is_refused_with_name_value_and_remedy() -> None:
    with pytest.raises(ValueError, match=r"'10\.0\.0\.0/99' is not an address range"):
        read(includeOutboundIPRanges="10.0.0.0/99")
