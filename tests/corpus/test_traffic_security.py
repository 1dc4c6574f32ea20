"""Suite `traffic`, cases of security: who may talk to whom, on a mesh of real proxies."""

import time
from collections.abc import Iterator

import pytest

from tests.corpus import passing
from tests.corpus.traffic import cases, expectations, security, suite, workloads
from tests.corpus.traffic.cases import Case
from tests.corpus.traffic.running import TrafficMesh

pytestmark = [pytest.mark.root, pytest.mark.envoy]

SUITE = "traffic_security"
PAUSE_SECONDS = 0.05  # between two rounds of the calls that were not yet as expected


@pytest.fixture(scope="module")
def environment() -> workloads.Manifest:
    return workloads.read_environment(suite.folder() / "environment.yaml")


@pytest.fixture(scope="module")
def chosen() -> list[Case]:
    inapplicable = passing.not_applicable(SUITE)
    found = cases.read_security_cases(suite.folder() / "cases")
    return [case for case in found if case.name not in inapplicable]


@pytest.fixture(scope="module")
def traffic_mesh(environment: workloads.Manifest, chosen: list[Case]) -> Iterator[TrafficMesh]:
    corpus = suite.folder()
    apart = workloads.read_environment(corpus / "environment-security.yaml")
    made = security.manifests(environment, apart, chosen, corpus / "jwks.json")
    with suite.traffic_mesh(
        SUITE,
        {"workloads.yaml": made},
        mesh_config=security.mesh_config(),
        switches=security.SWITCHES,
    ) as running:
        yield running


@pytest.mark.timeout(900)
def test_every_listed_case_passes(
    environment: workloads.Manifest,
    chosen: list[Case],
    traffic_mesh: TrafficMesh,
    update_passing: bool,
) -> None:
    in_order = sorted(chosen, key=lambda case: (case.mesh_config, case.config))

    suite.check(
        SUITE,
        in_order,
        lambda case: verdict(traffic_mesh, case, environment),
        update=update_passing,
    )


def test_cases_that_cannot_apply_are_cases() -> None:
    names = {case.name for case in cases.read_security_cases(suite.folder() / "cases")}

    assert set(passing.not_applicable(SUITE)) <= names


def verdict(mesh: TrafficMesh, case: Case, environment: workloads.Manifest) -> str:
    """All calls at once; those that are not as expected again, for a while."""
    try:
        mesh.configure(cases.addressed(case.config, mesh), case.mesh_config)
        left = [
            (call, cases.caller(case, call), cases.as_sent(case, call, mesh, environment["ports"]))
            for call in case.calls
        ]
        deadline = time.monotonic() + suite.RETRY_SECONDS
        while True:
            answers = mesh.send_all([(place, sent) for _, place, sent in left])
            wrong = [
                (entry, found[0])
                for entry, got in zip(left, answers, strict=True)
                if (found := expectations.differences(entry[0]["expect"], got))
            ]
            if not wrong:
                return ""
            if time.monotonic() > deadline:
                failed = (f"{call['name']} {place} {why}" for (call, place, _), why in wrong)
                return "; ".join([*failed, *mesh.rejected])
            left = [entry for entry, _ in wrong]
            time.sleep(PAUSE_SECONDS)
    except AssertionError as trouble:
        return str(trouble)
