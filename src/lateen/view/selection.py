"""Selectors and exportTo: which workloads a resource applies to, which namespaces see it."""

from collections.abc import Iterable, Mapping

Labels = tuple[tuple[str, str], ...]  # sorted


def as_labels(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted(labels.items()))


def selects(selector: Mapping[str, str], labels: Labels) -> bool:
    """Whether every label of the selector is among the labels; an empty selector selects all."""
    return selector.items() <= dict(labels).items()


def export_set(
    export_to: Iterable[str], namespace: str, default: Iterable[str] = ("*",)
) -> frozenset[str]:
    """`*` or namespaces; empty: nobody (`~`). `.` becomes the namespace."""
    targets = list(export_to) or list(default) or ["*"]
    if "~" in targets:
        return frozenset()
    if "*" in targets:
        return frozenset(("*",))
    return frozenset(namespace if target == "." else target for target in targets)


def is_exported(exported: frozenset[str], namespace: str) -> bool:
    return "*" in exported or namespace in exported
