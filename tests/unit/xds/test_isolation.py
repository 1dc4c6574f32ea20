"""Which part of a resource is at fault."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from lateen.xds.isolation import Isolation, Place

PLACE = Place("listeners", "virtualInbound")
MOST_ANSWERS = 100


def search(
    parts: tuple[str, ...], faulty: frozenset[str], *, base_is_bad: bool = False
) -> set[str]:
    """What is left out once the proxy's answers change nothing any more."""
    isolation = Isolation()
    for _ in range(MOST_ANSWERS):
        sent = tuple(part for part in parts if part not in isolation.left_out)
        if base_is_bad or faulty.intersection(sent):
            changed = isolation.rejected(PLACE, sent, "refused")
        else:
            changed = isolation.acknowledged(PLACE)
        if not changed:
            return {str(part) for part in isolation.left_out}
    raise AssertionError("the search does not end")


@given(st.sets(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")))
def test_the_parts_at_fault_are_left_out_and_no_others(parts: set[str], faulty: set[str]) -> None:
    ordered = tuple(sorted(parts))

    assert search(ordered, frozenset(faulty)) == parts & faulty


def test_when_none_is_at_fault_none_is_left_out() -> None:
    for parts in permutations("abc"):
        assert search(parts, frozenset(), base_is_bad=True) == set()


def test_a_hopeless_resource_is_searched_again_after_it_was_accepted() -> None:
    isolation = Isolation()
    isolation.rejected(PLACE, ("a",), "refused")
    isolation.rejected(PLACE, (), "refused")
    assert not isolation.rejected(PLACE, ("a",), "refused")

    isolation.acknowledged(PLACE)

    assert isolation.rejected(PLACE, ("a",), "refused")
