"""Nothing is lost while configuration, certificates and the control plane change."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.mesh.running import Answer, RunningMesh, eventually, lost
from tests.mesh.test_routing import SUBSETS, virtual_service

pytestmark = [pytest.mark.envoy, pytest.mark.root]

REVIEWS = "http://reviews.app/"
RATE = 200  # requests a second


def traffic(mesh: RunningMesh, seconds: int, meanwhile: Callable[[], None]) -> list[Answer]:
    """Requests at a steady rate, and something that happens meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        requests = pool.submit(
            mesh.calls, "client.app", REVIEWS, rate=RATE, seconds=seconds, concurrency=64
        )
        meanwhile()
        return requests.result()


def to(version: str) -> str:
    return SUBSETS + virtual_service(
        f"  - route: [{{destination: {{host: reviews, subset: {version}}}}}]\n"
    )


def test_editing_routes_loses_no_request(mesh: RunningMesh) -> None:
    mesh.apply("routes.yaml", to("v1"))
    eventually(lambda: mesh.call("client.app", REVIEWS), lambda a: a.version == "v1")
    stop = threading.Event()

    def edit() -> None:
        for round_ in range(24):
            mesh.apply("routes.yaml", to("v2" if round_ % 2 == 0 else "v1"))
            stop.wait(0.25)

    answers = traffic(mesh, 8, edit)

    assert len(answers) == 8 * RATE
    assert not lost(answers)
    assert {answer.version for answer in answers} == {"v1", "v2"}


def test_a_killed_control_plane_loses_no_request(mesh: RunningMesh) -> None:
    before = mesh.record()["control"]["pid"]

    def kill() -> None:

        os.kill(before, signal.SIGKILL)

    answers = traffic(mesh, 8, kill)

    assert len(answers) == 8 * RATE
    assert not lost(answers)
    after = eventually(lambda: mesh.record()["control"]["pid"], lambda pid: pid not in (0, before))
    assert after != before
    mesh.apply("routes.yaml", to("v2"))
    eventually(
        lambda: {a.version for a in mesh.calls("client.app", REVIEWS, count=10)},
        lambda seen: seen == {"v2"},
    )
