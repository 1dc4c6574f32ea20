"""Rows of the inverted indexes."""

from lateen.api.resource import Key
from lateen.base.incremental import Graph, derived
from lateen.view.index import Index, Row

A, B = Key("Pod", "default", "a"), Key("Pod", "default", "b")
ONE, TWO = Row("x", ("1",)), Row("x", ("2",))


class Owner:
    def __init__(self) -> None:
        self.graph = Graph()
        self.index = Index(self.graph)


@derived
def members(owner: Owner, value: str) -> tuple[Key, ...]:
    return owner.index.keys("x", value)


def test_members_are_sorted_whatever_the_order_of_entry() -> None:
    owner = Owner()
    owner.index.move(B, (), [ONE])
    owner.index.move(A, (), [ONE])
    owner.index.flush()

    assert owner.index.keys("x", "1") == (A, B)


def test_key_leaves_rows_that_it_no_longer_belongs_to() -> None:
    owner = Owner()
    owner.index.move(A, (), [ONE])
    owner.index.flush()
    owner.index.move(A, [ONE], [TWO])
    owner.index.flush()

    assert owner.index.keys("x", "1") == ()
    assert owner.index.keys("x", "2") == (A,)
    assert owner.index.rows("x") == (("2",),)


def test_reader_of_one_row_is_not_disturbed_by_another() -> None:
    owner = Owner()
    owner.index.move(A, (), [ONE])
    owner.index.flush()
    assert members(owner, "1") == (A,)
    before = owner.graph.evaluations

    owner.index.move(B, (), [TWO])
    owner.index.flush()

    assert members(owner, "1") == (A,)
    assert owner.graph.evaluations == before


def test_reader_of_an_absent_row_sees_it_appear() -> None:
    owner = Owner()
    assert members(owner, "1") == ()

    owner.index.move(A, (), [ONE])
    owner.index.flush()

    assert members(owner, "1") == (A,)
