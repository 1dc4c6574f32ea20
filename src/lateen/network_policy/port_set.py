"""Sets of TCP ports as ranges, with the few operations that policies need."""

from collections.abc import Iterable
from dataclasses import dataclass

FIRST, LAST = 1, 65535


@dataclass(frozen=True, slots=True)
class PortSet:
    """`ranges` are sorted, apart from each other, ends included."""

    ranges: tuple[tuple[int, int], ...]

    @staticmethod
    def of(ports: Iterable[int]) -> "PortSet":
        return _joined((port, port) for port in ports)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __or__(self, other: "PortSet") -> "PortSet":
        return _joined((*self.ranges, *other.ranges))

    def __and__(self, other: "PortSet") -> "PortSet":
        return _joined(
            (max(a, c), min(b, d))
            for a, b in self.ranges
            for c, d in other.ranges
            if max(a, c) <= min(b, d)
        )

    def __sub__(self, other: "PortSet") -> "PortSet":
        return self & other.complement()

    def complement(self) -> "PortSet":
        gaps, next_free = [], FIRST
        for first, last in self.ranges:
            if next_free < first:
                gaps.append((next_free, first - 1))
            next_free = last + 1
        if next_free <= LAST:
            gaps.append((next_free, LAST))
        return PortSet(tuple(gaps))


def _joined(ranges: Iterable[tuple[int, int]]) -> PortSet:
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return PortSet(tuple(found))


ALL = PortSet(((FIRST, LAST),))
NONE = PortSet(())
