"""Suite `traffic`, cases of security: who may talk to whom, on a mesh of real proxies."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.corpus import passing
from tests.corpus.traffic import cases, expectations, security, workloads
from tests.corpus.traffic.cases import Case
from tests.corpus.traffic.running import TrafficMesh, write_mesh_config
from tests.mesh.running import RunningMesh

pytestmark = [pytest.mark.root, pytest.mark.envoy]

SUITE = "traffic_security"
RETRY_SECONDS = 4.0  # a change is in force, but a listener may still drain or warm up
PAUSE_SECONDS = 0.05  # between two rounds of the calls that were not yet as expected


@pytest.fixture(scope="module")
def corpus() -> Path:
    folder = passing.corpus_folder()
    assert folder is not None
    return folder / "traffic"


@pytest.fixture(scope="module")
def environment(corpus: Path) -> workloads.Manifest:
    return workloads.read_environment(corpus / "environment.yaml")


@pytest.fixture(scope="module")
def chosen(corpus: Path) -> list[Case]:
    inapplicable = passing.not_applicable(SUITE)
    found = cases.read_security_cases(corpus / "cases")
    return [case for case in found if case.name not in inapplicable]


@pytest.fixture(scope="module")
def traffic_mesh(
    corpus: Path, environment: workloads.Manifest, chosen: list[Case]
) -> Iterator[TrafficMesh]:
    work = Path(tempfile.mkdtemp(prefix="lateen-security-"))
    folder = work / "manifests"
    folder.mkdir()
    apart = workloads.read_environment(corpus / "environment-security.yaml")
    (folder / "workloads.yaml").write_text(
        security.manifests(environment, apart, chosen, corpus / "jwks.json")
    )
    write_mesh_config(folder, security.mesh_config())
    name = f"t{os.getpid()}-security"
    mesh = RunningMesh(folder, work / "state", name, "root", security.SWITCHES)
    try:
        mesh.up()
        traffic = TrafficMesh(mesh, security.mesh_config())
        try:
            yield traffic
        finally:
            traffic.close()
    finally:
        mesh.clean()
        shutil.rmtree(work, ignore_errors=True)


@pytest.mark.timeout(900)
def test_every_listed_case_passes(
    environment: workloads.Manifest,
    chosen: list[Case],
    traffic_mesh: TrafficMesh,
    update_passing: bool,
) -> None:
    verdicts: dict[str, str] = {}
    with Path(os.environ.get("LATEEN_TRAFFIC_REPORT", os.devnull)).open("w") as report:
        for case in sorted(chosen, key=lambda case: (case.mesh_config, case.config)):
            began = time.monotonic()
            why = verdicts[case.name] = verdict(traffic_mesh, case, environment)
            print(case.name, why or "ok", f"{time.monotonic() - began:.1f}", sep="\t", file=report)
            report.flush()

    listed = passing.read_list(SUITE)
    for case in chosen:  # on a busy machine a call may be late: who passed may try again
        if verdicts[case.name] and case.name in listed:
            verdicts[case.name] = verdict(traffic_mesh, case, environment)

    passing.check(SUITE, verdicts, update=update_passing)


def test_cases_that_cannot_apply_are_cases(corpus: Path) -> None:
    names = {case.name for case in cases.read_security_cases(corpus / "cases")}

    assert set(passing.not_applicable(SUITE)) <= names


def verdict(mesh: TrafficMesh, case: Case, environment: workloads.Manifest) -> str:
    """All calls at once; those that are not as expected again, for a while."""
    try:
        mesh.configure(cases.addressed(case.config, mesh), case.mesh_config)
        left = [
            (call, cases.caller(case, call), cases.as_sent(case, call, mesh, environment["ports"]))
            for call in case.calls
        ]
        deadline = time.monotonic() + RETRY_SECONDS
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
