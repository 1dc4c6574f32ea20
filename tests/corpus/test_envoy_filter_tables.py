"""Rows of Istio's own tables about what a patch matches, asked of our matches."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import yaml

from lateen.api.envoy_filter import ApplyTo, EnvoyConfigObjectMatch, Operation, PatchContext
from lateen.api.resource import Key
from lateen.envoy import messages, types
from lateen.translate.envoy_filter import match
from lateen.translate.envoy_filter.patch import Patch
from lateen.view.proxy import PatchName
from tests.corpus.passing import corpus_folder

TABLES = "tables/pilot-pkg-networking-core-envoyfilter"


def patch_of(written: dict[str, Any]) -> Patch:
    made = msgspec.convert(written, EnvoyConfigObjectMatch)
    owner = Key("EnvoyFilter", "a", "b")
    name = PatchName(owner, 0, "")
    return Patch(owner, 0, ApplyTo.INVALID, Operation.MERGE, made, message=None, name=name)


def cluster(row: dict[str, Any]) -> bool:
    given = row["args"]
    hosts = (given["host"],) if given.get("host") else ()
    return match.is_cluster(patch_of(given["matchCondition"]), given["cluster"]["name"], hosts)


def route_configuration(row: dict[str, Any]) -> bool:
    given = row["args"]
    ports = {int(port): tuple(map(int, of)) for port, of in (given.get("portMap") or {}).items()}
    return match.is_route_configuration(
        patch_of(given["cp"]["match"]),
        given.get("rc", {}).get("name", ""),
        PatchContext(given["patchContext"]),
        tuple(ports.items()),
    )


def virtual_host(row: dict[str, Any]) -> bool:
    given = row["args"]
    host = messages.from_json(given.get("vh") or {}, types.FULL_NAMES["VirtualHost"])
    return "vh" in given and match.is_virtual_host(patch_of(given["cp"]["match"]), host)


QUESTIONS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "Test_clusterMatch": cluster,
    "Test_routeConfigurationMatch": route_configuration,
    "Test_virtualHostMatch": virtual_host,
}


@pytest.mark.parametrize("table", QUESTIONS)
def test_a_patch_matches_what_it_matches_in_istio(table: str) -> None:
    folder = corpus_folder()
    assert folder is not None
    rows = yaml.safe_load((folder / TABLES / f"{table}.yaml").read_text())

    answers = {row["case"]: QUESTIONS[table](row) for row in rows}

    assert answers == {row["case"]: row["want"] for row in rows}
