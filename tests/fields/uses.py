"""Which other tests set a field, read from the configuration inside them.

    live tests        strings that are YAML of a kind of Istio's, and the manifests of the meshes
    golden cases      their `config`
    corpus            cases that pass, kept in `corpus_uses.json` since not every checkout has them

The corpus part is brought up to date by `python scripts/field_table.py --corpus`.
"""

import ast
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lateen.config.documents import objects
from tests.corpus import passing
from tests.fields import paths
from tests.fields.removal import FieldName, is_istio

TESTS = Path(__file__).parents[1]
CORPUS_USES = Path(__file__).parent / "corpus_uses.json"
SUITES = ("simulation", "traffic", "authz")  # that judge behaviour or what is generated
MOST_NAMED = 2  # files of a field
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def by_field() -> Mapping[FieldName, tuple[str, ...]]:
    files: dict[FieldName, list[str]] = defaultdict(list)
    for file in _files():
        for field in dict.fromkeys(_fields(_texts(file))):
            files[field].append(f"`{file.relative_to(TESTS.parent)}`")
    corpus = _corpus()
    return {
        field: (*files.get(field, [])[:MOST_NAMED], *corpus.get(field, ()))
        for field in (files.keys() | corpus.keys())
    }


def _files() -> list[Path]:
    """Live tests first: they show most."""
    order = ("mesh", "netns", "interop", "features", "golden")
    return [
        file
        for folder in order
        for ending in ("*.py", "*.yaml", "*.json")
        for file in sorted((TESTS / folder).rglob(ending))
    ]


def _texts(file: Path) -> Iterator[str]:
    if file.suffix == ".yaml":
        yield file.read_text()
    elif file.suffix == ".json":
        config = json.loads(file.read_text())
        if isinstance(config, dict):
            yield str(config.get("config", ""))
    else:
        yield from filter(lambda text: "kind:" in text, _strings(ast.parse(file.read_text())))


def _strings(node: ast.AST) -> Iterator[str]:
    """Whole strings of a program; what a formatted one takes from elsewhere is `1`."""
    if isinstance(node, ast.JoinedStr):
        parts = (str(part.value) if isinstance(part, ast.Constant) else "1" for part in node.values)
        yield "".join(parts)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    else:
        for inner in ast.iter_child_nodes(node):
            yield from _strings(inner)


def _fields(texts: Iterator[str]) -> Iterator[FieldName]:
    for text in texts:
        yield from in_text(text)


def in_text(text: str) -> Iterator[FieldName]:
    """Of a text that is no YAML, nothing: it is a template or part of one."""
    try:
        read = list(yaml.load_all(text, Loader=Loader))
    except yaml.YAMLError:
        return
    for each in read:
        for _, item in objects(each):
            yield from in_document(item)


def in_document(item: Any) -> Iterator[FieldName]:
    if not isinstance(item, dict):
        return
    kind = paths.KINDS.get(str(item.get("kind")))
    if kind is None or not is_istio(item):
        return
    body = item.get("spec") if kind.has_spec else item
    for path, _ in paths.written(kind, body):
        yield kind.kind, path


# -- the corpus --------------------------------------------------------------------------------


def _corpus() -> dict[FieldName, tuple[str, ...]]:
    found: dict[FieldName, list[str]] = defaultdict(list)
    for suite, kinds in json.loads(CORPUS_USES.read_text()).items():
        for kind, counts in kinds.items():
            for path, count in counts.items():
                found[kind, path].append(f"{suite} cases: {count}")
    return {field: tuple(said) for field, said in found.items()}


def write_corpus() -> None:
    """Reads the corpus beside the checkout."""
    folder = passing.corpus_folder()
    assert folder is not None, "there is no corpus beside this checkout"
    made: dict[str, dict[str, Counter[str]]] = {}
    for suite in SUITES:
        listed, counted = passing.read_list(suite), defaultdict[str, Counter[str]](Counter)
        for file in sorted((folder / suite / "cases").glob("*.yaml")):
            for case in yaml.load(file.read_text(), Loader=Loader):
                if _is_listed(case, listed):
                    for kind, path in dict.fromkeys(in_case(case)):
                        counted[kind][path] += 1
        made[suite] = counted
    CORPUS_USES.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n")


def _is_listed(case: Any, listed: set[str]) -> bool:
    return isinstance(case, dict) and str(case.get("name", "")) in listed


def in_case(value: Any) -> Iterator[FieldName]:
    """Configuration anywhere in a case: as text or as data."""
    if isinstance(value, str):
        if "kind:" in value:
            yield from in_text(value)
        return
    if isinstance(value, list):
        for item in value:
            yield from in_case(item)
    elif isinstance(value, dict):
        yield from in_document(value)
        for item in value.values():
            yield from in_case(item)
