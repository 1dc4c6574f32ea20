"""Sorted values, however they come and go."""

from hypothesis import given
from hypothesis import strategies as st

from lateen.view.listing import FEW, Listing

VALUE = st.integers(0, 99).map(lambda number: (f"{number:02d}",))


@given(st.lists(st.sets(VALUE, max_size=2 * FEW)))
def test_a_listing_is_its_values_in_order(batches: list[set[tuple[str, ...]]]) -> None:
    listing = Listing()
    there: set[tuple[str, ...]] = set()
    for batch in batches:
        for values in batch:
            if values in there:
                there.remove(values)
                listing.leave(values)
            else:
                there.add(values)
                listing.enter(values)
        assert listing.flush() == tuple(sorted(there))


def test_what_comes_and_goes_between_two_flushes_leaves_no_trace() -> None:
    listing = Listing()
    listing.enter(("a",))
    listing.leave(("a",))

    assert listing.flush() == ()
