"""One object in two places."""

from textwrap import dedent
from typing import Any

from lateen.api.resource import Resource
from lateen.config.documents import read
from lateen.config.duplicates import first_of_each

MANIFEST = """
    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec: {containers: [{name: web}]}
"""


def resource(text: str, file: str) -> Resource[Any]:
    return read(dedent(text), file).resources[0]


def test_the_first_stands_and_both_places_are_told() -> None:
    first, second = resource(MANIFEST, "a.yaml"), resource(MANIFEST, "b.yaml")

    kept, problems = first_of_each([first, second])

    assert kept == [first]
    assert [problem.file for problem in problems] == ["b.yaml"]
    assert "a.yaml" in problems[0].message


def test_a_pod_that_runs_stands_for_its_manifest() -> None:
    running = resource(MANIFEST.rstrip() + "\n    status: {podIP: 10.0.0.1}\n", "runtime.json")

    kept, problems = first_of_each([resource(MANIFEST, "a.yaml"), running])

    assert [each.origin.file for each in kept] == ["runtime.json"]
    assert problems == []
