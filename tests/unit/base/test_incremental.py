"""What the incremental engine promises: a change costs what it touches."""

import pytest

from lateen.base.incremental import Followed, Graph, Node, Table, derived


class World:
    def __init__(self, **rows: int) -> None:
        self.graph = Graph()
        self.rows: Table[str, int] = Table(self.graph, "rows")
        for name, value in rows.items():
            self.rows.put(name, value)


@derived
def double(world: World, name: str) -> int:
    return (world.rows.get(name) or 0) * 2


@derived
def positive(world: World, name: str) -> bool:
    return double(world, name) > 0


@derived
def label(world: World, name: str) -> str:
    return f"{name} is {'positive' if positive(world, name) else 'not positive'}"


@derived
def total(world: World) -> int:
    return sum(double(world, name) for name in sorted(world.rows.keys()))


@derived
def inverse(world: World, name: str) -> float:
    return 1 / (world.rows.get(name) or 0)


def observed(world: World, node: Node) -> Node:
    world.graph.observe(node)
    world.graph.settle()
    return node


def test_an_equal_result_stops_the_change() -> None:
    world = World(a=1)
    node = observed(world, label.node(world, "a"))
    before = world.graph.evaluations

    world.rows.put("a", 5)

    assert world.graph.settle() == []
    assert world.graph.evaluations == before + 2  # double and positive, not label
    assert node.value == "a is positive"


def test_one_row_of_a_thousand_recomputes_one() -> None:
    world = World(**{f"r{i}": i for i in range(1000)})
    node = observed(world, total.node(world))
    before = world.graph.evaluations

    world.rows.put("r500", 0)

    assert world.graph.settle() == [node]
    assert world.graph.evaluations == before + 2
    assert node.value == 2 * sum(range(1000)) - 1000


def test_an_absent_row_is_a_dependency_too() -> None:
    world = World()
    node = observed(world, positive.node(world, "late"))
    assert node.value is False

    world.rows.put("late", 1)

    assert world.graph.settle() == [node]
    assert node.value is True


def test_membership_is_a_dependency_of_its_own() -> None:
    world = World(a=1)
    node = observed(world, total.node(world))

    world.rows.put("b", 2)
    assert world.graph.settle() == [node]
    world.rows.discard("a")
    assert world.graph.settle() == [node]
    assert node.value == 4


def test_putting_an_equal_row_changes_nothing() -> None:
    world = World(a=1)
    observed(world, total.node(world))

    assert world.rows.put("a", 1) is False
    assert not world.graph.stale


def test_a_computation_that_raises_keeps_its_value_and_is_tried_again() -> None:
    world = World(a=2)
    node = observed(world, inverse.node(world, "a"))
    trouble: list[Exception] = []

    world.rows.put("a", 0)
    assert world.graph.settle(lambda _, error: trouble.append(error)) == []
    assert node.value == 0.5
    assert isinstance(trouble[0], ZeroDivisionError)

    world.rows.put("a", 4)
    assert world.graph.settle() == [node]
    assert node.value == 0.25


def test_a_failure_deep_below_is_tried_again_when_its_input_changes() -> None:
    world = World(a=2)

    @derived
    def above(world: World) -> str:
        return f"{inverse(world, 'a')}"

    node = observed(world, above.node(world))
    trouble: list[Exception] = []
    world.rows.put("a", 0)
    world.graph.settle(lambda _, error: trouble.append(error))
    assert len(trouble) == 1
    assert node.value == "0.5"

    world.rows.put("a", 2)
    world.graph.settle()
    assert above(world) == "0.5"
    assert node.error is None


def test_without_a_listener_a_computation_that_raises_is_raised() -> None:
    world = World(a=0)
    world.graph.observe(inverse.node(world, "a"))
    with pytest.raises(ZeroDivisionError):
        world.graph.settle()


def test_a_change_is_reported_for_every_observed_node_whoever_reads_it_first() -> None:
    world = World(a=1)
    below = observed(world, double.node(world, "a"))
    above = observed(world, total.node(world))

    world.rows.put("a", 2)
    assert set(world.graph.settle()) == {below, above}

    world.rows.put("a", 3)
    assert double(world, "a") == 6
    assert set(world.graph.settle()) == {below, above}


def test_what_nobody_observes_is_not_computed() -> None:
    world = World(a=1)
    node = observed(world, total.node(world))
    world.graph.unobserve(node)
    before = world.graph.evaluations

    world.rows.put("a", 7)

    assert world.graph.settle() == []
    assert world.graph.evaluations == before


def test_forget_drops_what_nothing_observed_needs() -> None:
    world = World(a=1, b=2)
    observed(world, positive.node(world, "a"))
    positive(world, "b")

    assert world.graph.forget() == 2  # double and positive of b
    assert positive(world, "b") is True


def test_dependencies_follow_what_was_read_last() -> None:
    world = World(choose=0, left=1, right=10)

    @derived
    def chosen(world: World) -> int | None:
        return world.rows.get("right" if world.rows.get("choose") else "left")

    node = observed(world, chosen.node(world))
    world.rows.put("choose", 1)
    world.graph.settle()
    before = world.graph.evaluations

    world.rows.put("left", 5)
    assert world.graph.settle() == []
    assert world.graph.evaluations == before
    world.rows.put("right", 11)
    assert world.graph.settle() == [node]


def followed(world: World, *names: str) -> tuple[Followed, dict[str, Node]]:
    mine = Followed(world.graph)
    nodes = {name: label.node(world, name) for name in names}
    for node in nodes.values():
        mine.follow(node)
    for node in mine.take():
        node.read()
    return mine, nodes


def test_who_follows_nodes_is_told_of_those_that_a_change_may_have_touched() -> None:
    world = World(a=1, b=1)
    mine, nodes = followed(world, "a", "b")

    world.rows.put("a", -1)

    assert mine.take() == (nodes["a"],)
    assert mine.take() == ()


def test_a_mark_stays_though_somebody_else_has_read_the_node() -> None:
    world = World(a=1)
    mine, nodes = followed(world, "a")

    world.rows.put("a", -1)
    world.graph.settle()

    assert mine.take() == (nodes["a"],)


def test_nodes_that_are_left_are_told_of_no_more() -> None:
    world = World(a=1)
    mine, nodes = followed(world, "a")

    mine.leave(nodes["a"])
    world.rows.put("a", -1)

    assert mine.take() == ()
