"""Problems of many objects."""

from lateen.base.incremental import Graph, Table, derived
from lateen.base.object_problems import ObjectProblems
from lateen.base.problem import Problem


class World:
    def __init__(self) -> None:
        self.graph = Graph()
        self.texts: Table[str, str] = Table(self.graph, "texts")
        self.looked: list[str] = []


@derived
def problems(world: World, name: str) -> tuple[Problem, ...]:
    world.looked.append(name)
    text = world.texts.get(name)
    return (Problem("bad", f"{name} is {text}"),) if text and text != "good" else ()


def test_only_what_changed_is_looked_at_and_all_is_told() -> None:
    world = World()
    kept: ObjectProblems[str] = ObjectProblems(
        world.graph,
        lambda name: problems.node(world, name),
        concerns=lambda name: name != "other",
        exists=lambda name: world.texts.get(name) is not None,
    )

    def changed(**texts: str) -> list[str]:
        world.looked.clear()
        for name, text in texts.items():
            if text:
                world.texts.put(name, text)
            else:
                world.texts.discard(name)
        return [problem.message for problem in kept.update(texts)]

    assert changed(b="odd", a="bad", c="good", other="bad") == ["a is bad", "b is odd"]
    assert changed(b="good") == ["a is bad"]
    assert world.looked == ["b"]
    assert changed(a="") == []
    assert changed(a="back") == ["a is back"]
    assert changed() == ["a is back"]
    assert world.looked == []
