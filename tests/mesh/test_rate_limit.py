"""RateLimits on real proxies."""

import time

import pytest

from tests.mesh.running import Answer, RunningMesh, eventually

pytestmark = [pytest.mark.envoy, pytest.mark.root]

HEAD = """
apiVersion: ratelimit.lateen.dev/v1alpha1
kind: RateLimit
metadata: {name: limit, namespace: app}
spec:
  selector: {matchLabels: {app: reviews}}
"""
LOCAL = f"""{HEAD}
  rules:
  - name: per-user
    to: [{{operation: {{paths: ["/limited/*"]}}}}]
    by: [{{header: {{name: x-user}}}}]
    local: {{requests: 5, unit: HOUR}}
  response: {{status: 429, headers: {{x-limited-by: lateen}}}}
"""
URL = "http://reviews.app/limited/a"


def limited(answers: list[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.status == 429]


def test_a_local_limit_gives_each_user_a_budget_at_each_proxy(mesh: RunningMesh) -> None:
    mesh.apply("limit.yaml", LOCAL)
    eventually(
        lambda: mesh.calls("client.app", URL, count=40, headers={"x-user": "warm-up"}),
        lambda answers: len(limited(answers)) >= 30,
    )

    answers = mesh.calls("client.app", URL, count=40, headers={"x-user": "ann"})

    assert len(limited(answers)) == 30  # five at each of two proxies pass
    refused = limited(answers)[0]
    assert refused.headers["x-ratelimit-limit"] == "5"
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert int(refused.headers["retry-after"]) > 60
    assert refused.headers["x-limited-by"] == "lateen"
    others = mesh.calls("client.app", "http://reviews.app/free", count=40)
    assert not limited(others)
