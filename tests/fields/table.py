"""The table of all fields: what each is, whether it has an effect, and which tests show it.

in effect     leaving it out changes what a proxy is sent, or how a pod is started; or, where
              `declared.yaml` says so, what the test named there shows
no effect     Lateen reads and checks it, and nothing comes of it: `declared.yaml` says why
not shown     no test shows an effect
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.fields import paths, removal, uses
from tests.fields.removal import FieldName, Trial

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TABLE = ROOT / "docs" / "api-fields.md"
DECLARED = HERE / "declared.yaml"
IN_EFFECT, NO_EFFECT, NOT_SHOWN = "in effect", "no effect", "not shown"
KINDS = (
    "VirtualService", "DestinationRule", "Gateway", "ServiceEntry", "WorkloadEntry",
    "WorkloadGroup", "Sidecar", "EnvoyFilter", "ProxyConfig", "PeerAuthentication",
    "RequestAuthentication", "AuthorizationPolicy", "Telemetry", "WasmPlugin", "TrafficExtension",
    "MeshConfig", "MeshNetworks",
)  # fmt: skip
HEAD = """\
# Fields of the Istio API

Every field of every kind, whether Lateen acts on it, and what shows it. Written by
`python scripts/field_table.py` from the tests; not to be edited.

A field is **in effect** when leaving it out of a small mesh (`tests/fields/worlds`) changes what a
proxy is sent or how a pod is started, or when the test named beside it shows what it does. A field
with **no effect** is read and checked, and the reason why nothing comes of it is given. The further
tests are those that set the field in the configuration that they judge.

Paths begin at `spec`. `[]` is each element of a list, `{}` each value of a map.
"""


@dataclass(frozen=True, slots=True)
class Declared:
    """What is known of a field beyond removal: a test of its effect, or why it has none."""

    reason: str = ""
    test: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    kind: str
    path: str
    type: str
    state: str
    shown_by: str  # of a field in effect
    reason: str  # of one without
    tests: tuple[str, ...] = ()


@cache
def rows() -> tuple[Row, ...]:
    evidence = effects(removal.all_trials())
    known, used = declared(), uses.by_field()
    return tuple(
        _row(field, evidence, known.get((field.kind, field.path)), used)
        for kind in KINDS
        for field in paths.fields(paths.KINDS[kind])
    )


def _row(
    field: paths.Field,
    evidence: Mapping[FieldName, str],
    said: Declared | None,
    used: Mapping[FieldName, tuple[str, ...]],
) -> Row:
    name = (field.kind, field.path)
    tests = used.get(name, ())
    if name in evidence:
        shown = f"tests/fields/worlds/{evidence[name]}.yaml"
        return Row(*name, field.type, IN_EFFECT, shown, "", tests)
    if said is not None and said.test:
        return Row(*name, field.type, IN_EFFECT, said.test, said.reason, tests)
    if said is not None:
        return Row(*name, field.type, NO_EFFECT, "", said.reason, tests)
    return Row(*name, field.type, NOT_SHOWN, "", "", tests)


def effects(found: Iterable[Trial]) -> dict[FieldName, str]:
    """The world that shows the effect of a field."""
    return {trial.field: trial.world for trial in found if trial.differs}


@cache
def declared() -> Mapping[FieldName, Declared]:
    """An entry whose path ends in `*` stands for all fields that begin with what is before it."""
    found: dict[FieldName, Declared] = {}
    for kind, entries in written_declarations().items():
        for entry in entries:
            said = Declared(entry.get("reason", ""), entry.get("test", ""))
            for path in entry["fields"]:
                found |= {(kind, each): said for each in matching(kind, path)}
    return found


def written_declarations() -> dict[str, list[dict[str, Any]]]:
    read = yaml.safe_load(DECLARED.read_text())
    assert isinstance(read, dict)
    return read


def matching(kind: str, pattern: str) -> Iterator[str]:
    every = (field.path for field in paths.fields(paths.KINDS[kind]))
    if not pattern.endswith("*"):
        return (path for path in every if path == pattern)
    return (path for path in every if path.startswith(pattern[:-1]))


def text() -> str:
    made = rows()
    lines = [HEAD, *_totals(made)]
    for kind in KINDS:
        lines += ["", f"## {kind}", "", "| field | type | state | shown by |", "|---|---|---|---|"]
        lines += [_line(row) for row in made if row.kind == kind]
    return "\n".join(lines) + "\n"


def _totals(made: tuple[Row, ...]) -> Iterator[str]:
    states = (IN_EFFECT, NO_EFFECT, NOT_SHOWN)
    yield f"| kind | fields | {' | '.join(states)} |"
    yield "|---|---|---|---|---|"
    for kind in KINDS:
        own = [row.state for row in made if row.kind == kind]
        yield (
            f"| [{kind}](#{kind.lower()}) | {len(own)} | "
            + " | ".join(str(own.count(state)) for state in states)
            + " |"
        )


def _line(row: Row) -> str:
    shown = [f"`{row.shown_by}`"] if row.shown_by else []
    shown += [row.reason] if row.reason else []
    shown += [f"also {', '.join(row.tests)}"] if row.tests else []
    return f"| `{row.path}` | {row.type} | {row.state} | {'; '.join(shown)} |"
