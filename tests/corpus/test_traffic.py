"""Suite `traffic`: what a mesh of real proxies does with requests, case by case."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.corpus import passing
from tests.corpus.traffic import cases, expectations, workloads
from tests.corpus.traffic.cases import Case
from tests.corpus.traffic.running import TrafficMesh
from tests.mesh.running import RunningMesh

pytestmark = [pytest.mark.root, pytest.mark.envoy]

SUITE = "traffic"
RETRY_SECONDS = 4.0  # a change is in force, but a listener may still warm up


@pytest.fixture(scope="module")
def corpus() -> Path:
    folder = passing.corpus_folder()
    assert folder is not None
    return folder / SUITE


@pytest.fixture(scope="module")
def environment(corpus: Path) -> workloads.Manifest:
    return workloads.read_environment(corpus / "environment.yaml")


@pytest.fixture(scope="module")
def traffic_mesh(environment: workloads.Manifest) -> Iterator[TrafficMesh]:
    work = Path(tempfile.mkdtemp(prefix="lateen-traffic-"))
    folder = work / "manifests"
    folder.mkdir()
    (folder / "workloads.yaml").write_text(workloads.manifests(environment))
    (folder / "baseline.yaml").write_text(workloads.baseline(environment, "echo"))
    mesh = RunningMesh(folder, work / "state", f"t{os.getpid()}-traffic", "root")
    try:
        mesh.up()
        traffic = TrafficMesh(mesh)
        try:
            yield traffic
        finally:
            traffic.close()
    finally:
        mesh.clean()
        shutil.rmtree(work, ignore_errors=True)


@pytest.mark.timeout(900)
def test_every_listed_case_passes(
    corpus: Path,
    environment: workloads.Manifest,
    traffic_mesh: TrafficMesh,
    update_passing: bool,
) -> None:
    inapplicable = passing.not_applicable(SUITE)
    chosen = [case for case in cases.read_cases(corpus / "cases") if case.name not in inapplicable]

    verdicts: dict[str, str] = {}
    with Path(os.environ.get("LATEEN_TRAFFIC_REPORT", os.devnull)).open("w") as report:
        for case in sorted(chosen, key=lambda case: bool(case.config)):
            began = time.monotonic()
            why = verdicts[case.name] = verdict(traffic_mesh, case, environment)
            print(case.name, why or "ok", f"{time.monotonic() - began:.1f}", sep="\t", file=report)
            report.flush()

    listed = passing.read_list(SUITE)
    for case in chosen:  # a datagram may be lost, a busy machine late: who passed may try again
        if verdicts[case.name] and case.name in listed:
            verdicts[case.name] = verdict(traffic_mesh, case, environment)

    passing.check(SUITE, verdicts, update=update_passing)


def test_cases_that_cannot_apply_are_cases(corpus: Path) -> None:
    names = {case.name for case in cases.read_cases(corpus / "cases")}

    assert set(passing.not_applicable(SUITE)) <= names


def verdict(mesh: TrafficMesh, case: Case, environment: workloads.Manifest) -> str:
    """Asks again for a while, as the corpus's own runner does; the first failed call decides."""
    try:
        mesh.configure(case.config)
        deadline = time.monotonic() + RETRY_SECONDS
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
