"""Where requests go, as the applications saw it: routes, weights, retries, faults, stickiness."""

import pytest

from tests.mesh.running import Answer, RunningMesh, eventually

pytestmark = [pytest.mark.envoy, pytest.mark.root]

REVIEWS = "http://reviews.app/"
SUBSETS = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: app}
spec:
  host: reviews
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
---
"""


def virtual_service(http: str, name: str = "reviews") -> str:
    return (
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\n"
        f"metadata: {{name: {name}, namespace: app}}\n"
        f"spec:\n  hosts: [{name}]\n  http:\n{http}"
    )


def versions(answers: list[Answer]) -> set[str]:
    return {answer.version for answer in answers}


def test_a_header_match_picks_the_version(mesh: RunningMesh) -> None:
    mesh.apply(
        "routes.yaml",
        SUBSETS
        + virtual_service(
            "  - match: [{headers: {version: {exact: v2}}}]\n"
            "    route: [{destination: {host: reviews, subset: v2}}]\n"
            "  - route: [{destination: {host: reviews, subset: v1}}]\n"
        ),
    )
    eventually(lambda: versions(mesh.calls("client.app", REVIEWS, count=10)), lambda v: v == {"v1"})

    assert versions(mesh.calls("client.app", REVIEWS, count=20, headers={"version": "v2"})) == {
        "v2"
    }


def test_weights_divide_requests_ninety_to_ten(mesh: RunningMesh) -> None:
    mesh.apply(
        "routes.yaml",
        SUBSETS
        + virtual_service(
            "  - route:\n"
            "    - {destination: {host: reviews, subset: v1}, weight: 90}\n"
            "    - {destination: {host: reviews, subset: v2}, weight: 10}\n"
            "    headers: {response: {set: {x-divided: 'yes'}}}\n"
        ),
    )
    eventually(
        lambda: mesh.call("client.app", REVIEWS), lambda answer: "x-divided" in answer.headers
    )

    seen = [answer.version for answer in mesh.calls("client.app", REVIEWS, count=1000)]

    second = seen.count("v2")
    assert seen.count("v1") + second == 1000
    chi_square = (second - 100) ** 2 / 100 + (second - 100) ** 2 / 900
    assert chi_square < 10.83, f"{second} of 1000 went to v2"  # p = 0.001, one degree


def test_a_failed_attempt_is_retried(mesh: RunningMesh) -> None:
    mesh.apply(
        "routes.yaml",
        virtual_service(
            "  - route: [{destination: {host: reviews}}]\n"
            "    retries: {attempts: 10, retryOn: 5xx, perTryTimeout: 2s}\n"
            "    headers: {response: {set: {x-retried: 'yes'}}}\n"
        ),
    )
    mesh.settled("client.app", REVIEWS, lambda answer: "x-retried" in answer.headers)

    # Eleven failures in a row, which no retry mends, are one chance in half a million.
    answers = mesh.calls("client.app", REVIEWS + "fail?rate=0.3", count=50)

    assert {answer.status for answer in answers} == {200}
    attempts = [int(answer.seen["headers"]["x-envoy-attempt-count"]) for answer in answers]
    assert max(attempts) > 1


def test_a_slow_answer_is_cut_off_by_the_timeout(mesh: RunningMesh) -> None:
    mesh.apply(
        "routes.yaml",
        virtual_service("  - route: [{destination: {host: reviews}}]\n    timeout: 0.3s\n"),
    )

    answer = eventually(
        lambda: mesh.call("client.app", REVIEWS + "delay?ms=3000"), lambda a: a.status == 504
    )

    assert 250 <= answer.ms < 1500


def test_the_circuit_opens_beyond_its_limits(mesh: RunningMesh) -> None:
    mesh.apply(
        "rule.yaml",
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\n"
        "metadata: {name: reviews, namespace: app}\n"
        "spec:\n  host: reviews\n  trafficPolicy:\n    connectionPool:\n"
        "      tcp: {maxConnections: 1}\n"
        "      http: {http1MaxPendingRequests: 1, maxRequestsPerConnection: 1}\n",
    )

    answers = eventually(
        lambda: mesh.calls("client.app", REVIEWS + "delay?ms=300", count=12, concurrency=12),
        lambda found: any(answer.status == 503 for answer in found),
    )

    refused = [answer for answer in answers if answer.status == 503]
    assert all(answer.headers.get("x-envoy-overloaded") == "true" for answer in refused)
    assert any(answer.status == 200 for answer in answers)


def test_a_failing_endpoint_is_ejected(mesh: RunningMesh) -> None:
    assert {a.status for a in mesh.calls("client.app", "http://flaky.app/", count=40)} == {200, 503}
    mesh.apply(
        "rule.yaml",
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\n"
        "metadata: {name: flaky, namespace: app}\n"
        "spec:\n  host: flaky\n  trafficPolicy:\n    outlierDetection:\n"
        "      {consecutive5xxErrors: 3, interval: 1s, baseEjectionTime: 60s,"
        " maxEjectionPercent: 50}\n",
    )

    eventually(
        lambda: {a.status for a in mesh.calls("client.app", "http://flaky.app/", count=40)},
        lambda statuses: statuses == {200},
    )


def test_a_delay_fault_holds_the_request_back(mesh: RunningMesh) -> None:
    mesh.apply(
        "routes.yaml",
        virtual_service(
            "  - fault: {delay: {percentage: {value: 100}, fixedDelay: 0.7s}}\n"
            "    route: [{destination: {host: reviews}}]\n"
        ),
    )

    answer = eventually(lambda: mesh.call("client.app", REVIEWS), lambda a: a.ms >= 700)

    assert answer.status == 200


def test_an_abort_fault_answers_in_the_services_place(mesh: RunningMesh) -> None:
    mesh.apply(
        "routes.yaml",
        virtual_service(
            "  - fault: {abort: {percentage: {value: 100}, httpStatus: 418}}\n"
            "    route: [{destination: {host: reviews}}]\n"
        ),
    )

    answer = eventually(lambda: mesh.call("client.app", REVIEWS), lambda a: a.status == 418)

    assert answer.body == "fault filter abort"


def test_a_cookie_keeps_a_client_with_its_endpoint(mesh: RunningMesh) -> None:
    mesh.apply(
        "rule.yaml",
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\n"
        "metadata: {name: reviews, namespace: app}\n"
        "spec:\n  host: reviews\n  trafficPolicy:\n    loadBalancer:\n"
        "      consistentHash: {httpCookie: {name: session, ttl: 3600s}}\n",
    )
    first = eventually(
        lambda: mesh.call("client.app", REVIEWS), lambda a: "set-cookie" in a.headers
    )
    cookie = first.headers["set-cookie"].split(";")[0]

    same = mesh.calls("client.app", REVIEWS, count=20, headers={"cookie": cookie})

    assert versions(same) == {first.version}
    others = [
        mesh.call("client.app", REVIEWS, headers={"cookie": f"session={n}"}).version
        for n in range(12)
    ]
    assert set(others) == {"v1", "v2"}


def test_a_session_keeps_to_the_endpoint_that_served_it_first(mesh: RunningMesh) -> None:
    mesh.apply(
        "session.yaml",
        "apiVersion: v1\nkind: Service\n"
        "metadata: {name: carts, namespace: app, labels: {istio.io/persistent-session: cart}}\n"
        "spec: {selector: {app: reviews}, ports: [{name: http, port: 80, targetPort: 8080}]}\n",
    )
    carts = "http://carts.app/"

    def begun() -> dict[str, str]:
        """By version, the cookie of a session; the client sends what it has been given, too."""
        return {
            answer.version: answer.headers["set-cookie"].partition(";")[0]
            for answer in mesh.calls("client.app", carts, count=12)
            if "set-cookie" in answer.headers
        }

    sessions: dict[str, str] = {}
    eventually(lambda: sessions.update(begun()) or sessions, lambda found: len(found) == 2)

    for version, cookie in sessions.items():
        again = mesh.calls("client.app", carts, count=10, headers={"cookie": cookie})
        assert versions(again) == {version}
