"""RateLimit."""

import re
from pathlib import Path

import pytest
import yaml

from lateen.config.documents import documents
from lateen.config.examine import examine
from tests.unit.config.validation.found import found

LOCAL = "local: {requests: 5}"


def rule(text: str) -> str:
    return f"{{rules: [{{name: a, {text}}}]}}"


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        (rule(LOCAL), []),
        (rule("global: {requests: 5, unit: DAY}"), []),
        (rule(f"to: [{{operation: {{paths: ['/a/{{*}}']}}}}], {LOCAL}"), []),
        (rule(f"by: [{{header: {{name: x-user}}, key: user}}, {{principal: {{}}}}], {LOCAL}"), []),
        (rule("by: [{path: {templates: ['/a/{*}', '/b/{**}']}}], local: {requests: 1}"), []),
        (rule("by: [{remoteAddress: {ipv4Prefix: 24}}], global: {}"), []),
        ("{connections: [{name: a, ports: [80], local: {connections: 5, burst: 9}}]}", []),
        ("{connections: [{name: a, global: {connections: 5}}], service: {host: rls.shop}}", []),
        ("{}", ["error spec"]),
        (rule("to: [{operation: {methods: [GET]}}]"), ["error spec.rules[0]"]),
        (rule("local: {requests: 5}, global: {requests: 5}"), ["error spec.rules[0]"]),
        (rule("local: {}"), ["error spec.rules[0].local.requests"]),
        (rule("local: {requests: 5, unit: YEAR}"), ["error spec.rules[0].local.unit"]),
        (rule("local: {requests: 5, burst: 2}"), ["warning spec.rules[0].local.burst"]),
        (rule("local: {request: 5}"),
         ["error spec.rules[0].local.request", "error spec.rules[0].local.requests"]),
        (rule("global: {}"), ["error spec.rules[0].global.requests"]),
        (rule("by: [{principal: {}}], when: [{key: source.ip, values: [1.2.3.4]}], global: {}"),
         ["error spec.rules[0].global.requests"]),
        (rule("when: [{key: nothing, values: [a]}], local: {requests: 1}"),
         ["error spec.rules[0].when[0].key"]),
        (rule(f"by: [{{}}], {LOCAL}"), ["error spec.rules[0].by[0]"]),
        (rule(f"by: [{{header: {{name: 'x y'}}}}], {LOCAL}"),
         ["error spec.rules[0].by[0].header.name"]),
        (rule(f"by: [{{header: {{name: x, default: ''}}}}], {LOCAL}"),
         ["error spec.rules[0].by[0].header.default"]),
        (rule(f"by: [{{claim: {{}}}}], {LOCAL}"), ["error spec.rules[0].by[0].claim.path"]),
        (rule(f"by: [{{fixed: {{}}}}], {LOCAL}"), ["error spec.rules[0].by[0].fixed.value"]),
        (rule(f"by: [{{principal: {{}}, path: {{}}}}], {LOCAL}"), ["error spec.rules[0].by[0]"]),
        (rule(f"by: [{{destination: {{}}, key: a}}], {LOCAL}"), ["error spec.rules[0].by[0].key"]),
        (rule(f"by: [{{path: {{templates: ['/a*']}}}}], {LOCAL}"),
         ["error spec.rules[0].by[0].path.templates[0]"]),
        (rule(f"by: [{{remoteAddress: {{ipv4Prefix: 33}}}}], {LOCAL}"),
         ["error spec.rules[0].by[0].remoteAddress.ipv4Prefix"]),
        (f"{{rules: [{{name: a_b, {LOCAL}}}]}}", ["error spec.rules[0].name"]),
        (f"{{rules: [{{name: a, {LOCAL}}}, {{name: a, {LOCAL}}}]}}", ["error spec.rules[1].name"]),
        ("{connections: [{name: a, ports: [0], local: {connections: 1}}]}",
         ["error spec.connections[0].ports[0]"]),
        ("{connections: [{name: a}]}", ["error spec.connections[0]"]),
        ("{connections: [{name: a, global: {}}]}",
         ["error spec.connections[0].global.connections"]),
        (f"{{rules: [{{name: a, {LOCAL}}}], response: {{status: 200}}}}",
         ["error spec.response.status"]),
        (f"{{rules: [{{name: a, {LOCAL}}}], response: {{headers: {{':path': a}}}}}}",
         ["error spec.response.headers[:path]"]),
        (f"{{rules: [{{name: a, {LOCAL}}}], service: {{host: rls}}}}", ["warning spec.service"]),
        ("{rules: [{name: a, global: {requests: 1}}], service: {timeout: 1m, port: 0}}",
         ["error spec.service.port", "error spec.service.timeout"]),
        (f"{{rules: [{{name: a, {LOCAL}}}], targetRefs: [{{kind: Service, name: a}}]}}",
         ["error spec.targetRefs[0]"]),
        (f"{{rules: [{{name: a, {LOCAL}}}], selector: {{}}}}", ["warning spec.selector"]),
    ],
)  # fmt: skip
def test_findings(spec: str, problems: list[str]) -> None:
    assert found("RateLimit", spec) == problems


def test_the_manifests_of_the_guide_are_valid() -> None:
    guide = Path(__file__).parents[4].joinpath("docs", "rate-limits.md").read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)
    whole = [block for block in blocks if block.startswith("apiVersion")]
    parts = [yaml.safe_load(block)["spec"] for block in blocks if block.startswith("spec")]

    assert (len(whole), len(parts)) == (2, 1)
    for block in whole:
        assert not [problem for each in examine(documents(block)) for problem in each.problems]
    assert [found("RateLimit", part) for part in parts] == [[]]
