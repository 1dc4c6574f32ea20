"""Figures as tables: percentiles, ratios, and the machine they were taken on."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median


def percentile(values: Iterable[float], percent: float) -> float:
    """Nearest rank: a value that was measured. 0 without any."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


def middle(values: Iterable[float]) -> float:
    found = list(values)
    return median(found) if found else 0.0


def print_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """The first column is text, the others are numbers."""
    lines = [tuple(header), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    print(f"\n{title}")
    for line in lines:
        first, *others = zip(line, widths, strict=True)
        print("  ".join([first[0].ljust(first[1]), *(cell.rjust(size) for cell, size in others)]))


def verdict(value: float, budget: float) -> str:
    """`1.07 (budget 1.10: kept)`."""
    return f"{value:.2f} (budget {budget:.2f}: {'kept' if value <= budget else 'missed'})"


def machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "unknown processor",
    )
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} x {model}; load before: {load}"
