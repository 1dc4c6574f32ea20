"""The table of the API's fields is what the tests say, and leaves none out."""

import re
from pathlib import Path

import pytest

from lateen.translate import discovery
from tests import envoy_check
from tests.fields import paths, table, world

FURTHER = re.compile(r"(; )?also [^|]*(?= \|)")
WORLDS = "tests/fields/worlds/"
COMPLETE = (
    "VirtualService", "DestinationRule", "ServiceEntry", "WorkloadEntry", "PeerAuthentication",
    "AuthorizationPolicy", "EnvoyFilter", "ProxyConfig",
)  # fmt: skip
ENVOY_KINDS = {
    "listeners": discovery.LISTENER,
    "clusters": discovery.CLUSTER,
    "routes": discovery.ROUTE,
    "endpoints": discovery.ENDPOINT,
    "secrets": discovery.SECRET,
}
ROOT = Path(__file__).parents[2]


def test_table_in_the_docs_is_current() -> None:
    """But for the further tests, which come and go with work elsewhere."""
    written, wanted = (FURTHER.sub("", text) for text in (table.TABLE.read_text(), table.text()))

    assert written == wanted, "run: python scripts/field_table.py"


@pytest.mark.parametrize("kind", COMPLETE)
def test_every_field_has_an_effect_or_a_reason(kind: str) -> None:
    unknown = [
        row.path for row in table.rows() if row.kind == kind and row.state == table.NOT_SHOWN
    ]

    assert not unknown, "neither a world nor declared.yaml says what becomes of these"


def test_what_is_declared_is_a_field_and_nothing_shows_otherwise() -> None:
    for kind, entries in table.written_declarations().items():
        for entry in entries:
            for path in entry["fields"]:
                assert list(table.matching(kind, path)), f"{kind} has no field {path}"
    shown = {(row.kind, row.path) for row in table.rows() if row.shown_by.startswith(WORLDS)}

    assert shown.isdisjoint(table.declared()), "leaving these out has an effect: delete the entries"


def test_tests_that_are_named_exist() -> None:
    for said in table.declared().values():
        file, _, name = said.test.partition("::")
        assert not file or f"def {name}(" in (ROOT / file).read_text(), said.test


@pytest.mark.envoy
@pytest.mark.parametrize("path", world.worlds(), ids=lambda path: str(path.stem))
def test_envoy_accepts_what_comes_of_a_world(path: Path) -> None:
    for index, sent in world.by_proxy(world.load(path).outcome()).items():
        resources = {
            name: [content for (each, _), content in sent.items() if each == kind and content]
            for name, kind in ENVOY_KINDS.items()
        }
        complaint = envoy_check.rejection(**resources)
        assert complaint is None, f"{path.stem}, proxy {index}: {complaint}"


def test_paths_of_a_document_are_those_of_the_kind() -> None:
    for path in world.worlds():
        for document in world.load(path).documents:
            kind = paths.KINDS.get(document["kind"])
            if kind is None or document["apiVersion"].partition("/")[0] != kind.group:
                continue
            body = document["spec"] if kind.has_spec else document
            known = {field.path for field in paths.fields(kind)}
            assert {name for name, _ in paths.written(kind, body)} <= known
