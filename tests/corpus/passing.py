"""Cases of the conformance corpus, and the lists of those that pass.

The corpus is a folder beside the checkout or the one that LATEEN_CORPUS names. For each of its
suites a text file here lists the cases that pass, one name a line. A listed case that fails is a
regression. A case that passes and is not listed is reported too: add it with

    python -m pytest tests/corpus --update-passing
"""

import os
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
PLACES = (HERE.parents[1] / "corpus", HERE.parents[2] / "shared" / "corpus")


def corpus_folder() -> Path | None:
    """Where the corpus is; None when this machine has none."""
    named = os.environ.get("LATEEN_CORPUS")
    places = (Path(named),) if named else PLACES
    return next((place for place in places if place.is_dir()), None)


def read_list(suite: str) -> set[str]:
    file = HERE / f"{suite}_passing.txt"
    return set(file.read_text().splitlines()) if file.exists() else set()


def not_applicable(suite: str) -> dict[str, str]:
    """Name and reason of each case that cannot apply; a line is the name, a tab, the reason."""
    lines = (HERE / f"{suite}_not_applicable.txt").read_text().splitlines()
    pairs = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {pair[0]: pair[1] for pair in pairs}


def write_list(suite: str, names: Iterable[str]) -> None:
    (HERE / f"{suite}_passing.txt").write_text("".join(f"{name}\n" for name in sorted(names)))


def check(suite: str, verdicts: dict[str, str], *, update: bool) -> None:
    """Compares with the list. `verdicts`: why each case fails, empty when it passes."""
    passing = {name for name, why in verdicts.items() if not why}
    if update:
        write_list(suite, passing)
    listed = read_list(suite)
    lost = sorted(listed - passing)
    new = sorted(passing - listed)
    reasons = "\n".join(f"  {name}: {verdicts.get(name, 'no such case')}" for name in lost)
    assert not lost, f"{len(lost)} cases of {suite} passed before and fail now:\n{reasons}"
    assert not new, f"{len(new)} cases of {suite} pass and are not listed:\n  " + "\n  ".join(new)
