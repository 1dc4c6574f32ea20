"""Sets of ports."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lateen.network_policy import port_set
from lateen.network_policy.port_set import PortSet

PORTS = st.frozensets(st.integers(port_set.FIRST, 40), max_size=12)


def members(ports: PortSet) -> set[int]:
    return {port for first, last in ports.ranges for port in range(first, last + 1)}


@given(PORTS, PORTS)
def test_they_behave_as_sets(one: frozenset[int], other: frozenset[int]) -> None:
    first, second = PortSet.of(one), PortSet.of(other)
    assert members(first | second) == one | other
    assert members(first & second) == one & other
    assert members(first - second) == one - other
    assert bool(first) == bool(one)


@given(PORTS)
def test_neighbours_become_one_range(ports: frozenset[int]) -> None:
    ranges = PortSet.of(ports).ranges
    assert all(b + 1 < c for (_, b), (c, _) in pairwise(ranges))


def test_the_complement_of_nothing_is_everything() -> None:
    assert port_set.NONE.complement() == port_set.ALL
    assert port_set.ALL.complement() == port_set.NONE
    assert PortSet.of([80]).complement().ranges == ((1, 79), (81, 65535))
