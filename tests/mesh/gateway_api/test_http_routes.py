"""What HTTPRoutes do with requests."""

import pytest

from tests.mesh.gateway_api.edge import EDGE, Recorder, ask, calls_from_here
from tests.mesh.running import RunningMesh, eventually

pytestmark = [pytest.mark.envoy, pytest.mark.root]


def test_a_header_chooses_the_backend(edge: RunningMesh) -> None:
    answers = [ask(edge, "versions", headers={"x-version": "v2"}) for _ in range(8)]

    assert {each.json()["version"] for each in answers} == {"v2"}


def test_weights_divide_the_requests(edge: RunningMesh) -> None:
    url = f"http://{edge.gateway(80, EDGE)}/"

    answers = calls_from_here(url, count=300, headers={"host": "versions.example"})

    second = sum(each.version == "v2" for each in answers)
    assert 10 <= second <= 60  # of 30 expected


def test_a_redirect_names_the_new_place(edge: RunningMesh) -> None:
    answer = ask(edge, "redirect", "/here")

    assert answer.status_code == 301
    assert answer.headers["location"] == "https://new.example/moved"


def test_host_and_path_are_rewritten(edge: RunningMesh) -> None:
    seen = ask(edge, "rewrite", "/old/page").json()

    assert seen["path"] == "/new/page"
    assert seen["authority"] == "inner.example"
    assert ask(edge, "rewrite", "/older").status_code == 404


def test_headers_are_modified_both_ways(edge: RunningMesh) -> None:
    answer = ask(edge, "headers", headers={"x-set": "old", "x-remove": "gone"})

    headers = answer.json()["headers"]
    assert (headers["x-set"], headers["x-add"]) == ("one", "two")
    assert "x-remove" not in headers
    assert answer.headers["x-answer"] == "three"


def test_a_copy_of_each_request_goes_to_the_mirror(edge: RunningMesh, recorder: Recorder) -> None:
    assert ask(edge, "mirror", "/copied").status_code == 200

    eventually(lambda: list(recorder.asked), lambda asked: any(p == "/copied" for _, p in asked))


def test_a_slow_answer_is_cut_off(edge: RunningMesh) -> None:
    assert ask(edge, "timeout", "/delay?ms=3000").status_code == 504


def test_a_listed_code_is_retried(edge: RunningMesh) -> None:
    answers = [ask(edge, "retry", "/fail?rate=0.3") for _ in range(20)]

    assert {each.status_code for each in answers} == {200}
    attempts = [int(each.json()["headers"]["x-envoy-attempt-count"]) for each in answers]
    assert max(attempts) > 1


def test_a_preflight_is_answered_for_a_known_origin(edge: RunningMesh) -> None:
    wanted = {"origin": "https://app.example", "access-control-request-method": "PUT"}

    answer = ask(edge, "cors", method="OPTIONS", headers=wanted)

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-max-age"] == "60"
