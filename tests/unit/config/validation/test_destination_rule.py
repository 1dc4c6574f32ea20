"""DestinationRule."""

import pytest

from tests.unit.config.validation.found import found


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ("{host: reviews}", []),
        ("{host: '*.shop.svc.cluster.local', exportTo: [., infra]}", []),
        ("{}", ["error spec.host"]),
        ("{host: 10.0.0.1}", ["error spec.host"]),
        ("{host: a, subsets: [{name: v1, labels: {version: v1}}, {name: v2}]}", []),
        ("{host: a, subsets: [{}]}", ["error spec.subsets[0].name"]),
        ("{host: a, subsets: [{name: v1}, {name: v1}]}", ["error spec.subsets[1].name"]),
        ("{host: a, subsets: [{name: v, labels: {a: '*'}}]}", ["error spec.subsets[0].labels[a]"]),
        ("{host: a, exportTo: [x, x]}", ["error spec.exportTo[1]"]),
        ("{host: a, exportTo: [., shop]}", ["error spec.exportTo[1]"]),
        ("{host: a, workloadSelector: {matchLabels: {a: b}}, exportTo: [.]}", []),
        ("{host: a, workloadSelector: {matchLabels: {a: b}}, exportTo: ['*']}",
         ["error spec.exportTo"]),
        ("{host: a, workloadSelector: {}}", ["warning spec.workloadSelector"]),
    ],
)  # fmt: skip
def test_host_subsets_and_audience(spec: str, problems: list[str]) -> None:
    assert found("DestinationRule", spec) == problems
