"""Telemetry."""

import pytest

from tests.unit.config.validation.found import found


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ("{}", []),
        ("{tracing: [{randomSamplingPercentage: 10, customTags: {a: {literal: {value: b}}}}]}", []),
        ("{accessLogging: [{filter: {expression: response.code >= 400}}]}", []),
        ("{metrics: [{overrides: [{tagOverrides: {a: {operation: REMOVE}}}]}]}", []),
        ("{tracing: [{}, {}]}", ["warning spec.tracing"]),
        ("{tracing: [{providers: [{name: a}, {name: b}]}]}", ["warning spec.tracing[0].providers"]),
        ("{tracing: [{providers: [{}]}]}", ["error spec.tracing[0].providers[0].name"]),
        ("{tracing: [{randomSamplingPercentage: 101}]}",
         ["error spec.tracing[0].randomSamplingPercentage"]),
        ("{tracing: [{customTags: {a: {}}}]}", ["error spec.tracing[0].customTags[a]"]),
        ("{tracing: [{customTags: {a: {header: {}}}}]}",
         ["error spec.tracing[0].customTags[a].header.name"]),
        ("{metrics: [{overrides: [{tagOverrides: {a: {}}}]}]}",
         ["error spec.metrics[0].overrides[0].tagOverrides[a]"]),
        ("{metrics: [{overrides: [{match: {customMetric: ''}}]}]}",
         ["error spec.metrics[0].overrides[0].match.customMetric"]),
        ("{metrics: [{reportingInterval: 1us}]}", ["error spec.metrics[0].reportingInterval"]),
        ("{accessLogging: [{filter: {expression: response.code >=}}]}",
         ["error spec.accessLogging[0].filter.expression"]),
    ],
)  # fmt: skip
def test_metrics_traces_and_logs(spec: str, problems: list[str]) -> None:
    assert found("Telemetry", spec) == problems
