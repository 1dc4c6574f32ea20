"""Selectors and exportTo."""

from lateen.view.selection import export_set, is_exported, selects


def test_selector_needs_all_its_labels() -> None:
    labels = (("app", "a"), ("version", "v1"))

    assert selects({"app": "a"}, labels)
    assert selects({}, labels)
    assert not selects({"app": "a", "tier": "x"}, labels)
    assert not selects({"app": "b"}, labels)


def test_star_is_everybody() -> None:
    assert is_exported(export_set(["*", "a"], "own"), "other")


def test_dot_is_the_own_namespace() -> None:
    exported = export_set([".", "a"], "own")

    assert [is_exported(exported, name) for name in ("own", "a", "b")] == [True, True, False]


def test_tilde_is_nobody() -> None:
    assert not is_exported(export_set(["~"], "own"), "own")


def test_default_counts_when_nothing_is_written() -> None:
    assert is_exported(export_set([], "own"), "other")
    assert not is_exported(export_set([], "own", ["."]), "other")
