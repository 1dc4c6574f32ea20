"""Suite `traffic`: what a mesh of real proxies does with requests, case by case."""

import time
from collections.abc import Iterator

import pytest

from tests.corpus import passing
from tests.corpus.traffic import cases, expectations, suite, workloads
from tests.corpus.traffic.cases import Case
from tests.corpus.traffic.running import TrafficMesh

pytestmark = [pytest.mark.root, pytest.mark.envoy]

SUITE = "traffic"


@pytest.fixture(scope="module")
def environment() -> workloads.Manifest:
    return workloads.read_environment(suite.folder() / "environment.yaml")


@pytest.fixture(scope="module")
def traffic_mesh(environment: workloads.Manifest) -> Iterator[TrafficMesh]:
    manifests = {
        "workloads.yaml": workloads.manifests(environment),
        "baseline.yaml": workloads.baseline(environment, "echo"),
    }
    with suite.traffic_mesh(SUITE, manifests) as running:
        yield running


@pytest.mark.timeout(900)
def test_every_listed_case_passes(
    environment: workloads.Manifest, traffic_mesh: TrafficMesh, update_passing: bool
) -> None:
    inapplicable = passing.not_applicable(SUITE)
    known = cases.read_cases(suite.folder() / "cases")
    chosen = sorted(
        (case for case in known if case.name not in inapplicable),
        key=lambda case: bool(case.config),
    )

    suite.check(
        SUITE, chosen, lambda case: verdict(traffic_mesh, case, environment), update=update_passing
    )


def test_cases_that_cannot_apply_are_cases() -> None:
    names = {case.name for case in cases.read_cases(suite.folder() / "cases")}

    assert set(passing.not_applicable(SUITE)) <= names


def verdict(mesh: TrafficMesh, case: Case, environment: workloads.Manifest) -> str:
    """Asks again for a while, as the corpus's own runner does; the first failed call decides."""
    try:
        mesh.configure(case.config)
        deadline = time.monotonic() + suite.RETRY_SECONDS
        for call in case.calls:
            sent = cases.as_sent(case, call, mesh, environment["ports"])
            while found := expectations.differences(
                call["expect"], mesh.send(cases.caller(case, call), sent)
            ):
                if time.monotonic() > deadline:
                    return "; ".join([f"{call['name']}: {found[0]}", *mesh.rejected])
                time.sleep(0.05)
    except AssertionError as trouble:
        return str(trouble)
    return ""
