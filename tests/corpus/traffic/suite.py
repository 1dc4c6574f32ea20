"""What the suites of traffic have in common: a mesh of their own, and how cases are judged."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.corpus import passing
from tests.corpus.traffic.cases import Case
from tests.corpus.traffic.running import TrafficMesh, write_mesh_config
from tests.mesh.running import RunningMesh

RETRY_SECONDS = 4.0  # a change is in force, but a listener may still drain or warm up
REPORT = "LATEEN_TRAFFIC_REPORT"  # a file that gets each case, its verdict and its seconds


def folder() -> Path:
    found = passing.corpus_folder()
    assert found is not None
    return found / "traffic"


@contextmanager
def traffic_mesh(
    suite: str,
    manifests: Mapping[str, str],
    *,
    mesh_config: dict[str, Any] | None = None,
    switches: Mapping[str, str] | None = None,
) -> Iterator[TrafficMesh]:
    """A mesh of these files, by name, that runs until the block ends."""
    work = Path(tempfile.mkdtemp(prefix=f"lateen-{suite}-"))
    where = work / "manifests"
    where.mkdir()
    for name, text in manifests.items():
        (where / name).write_text(text)
    if mesh_config is not None:
        write_mesh_config(where, mesh_config)
    name = f"t{os.getpid()}-{suite.replace('_', '-')}"
    mesh = RunningMesh(where, work / "state", name, "root", dict(switches or {}))
    try:
        mesh.up()
        traffic = TrafficMesh(mesh, mesh_config)
        try:
            yield traffic
        finally:
            traffic.close()
    finally:
        mesh.clean()
        shutil.rmtree(work, ignore_errors=True)


def check(
    suite: str, chosen: Iterable[Case], verdict: Callable[[Case], str], *, update: bool
) -> None:
    """Judges the cases in their order. On a busy machine a call may be late or a datagram lost:
    cases that are known to pass may try again once."""
    verdicts: dict[str, str] = {}
    cases = list(chosen)
    with Path(os.environ.get(REPORT, os.devnull)).open("w") as report:
        for case in cases:
            began = time.monotonic()
            why = verdicts[case.name] = verdict(case)
            print(case.name, why or "ok", f"{time.monotonic() - began:.1f}", sep="\t", file=report)
            report.flush()
    listed = passing.read_list(suite)
    for case in cases:
        if verdicts[case.name] and case.name in listed:
            verdicts[case.name] = verdict(case)
    passing.check(suite, verdicts, update=update)
