"""AuthorizationPolicy."""

import pytest

from lateen.config.validation.authorization_policy import template_fault
from tests.unit.config.validation.found import found

FROM = "from: [{source: {principals: [a]}}]"


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        (f"{{rules: [{{{FROM}}}]}}", []),
        ("{rules: [{}], action: DENY}", []),
        ("{rules: [{to: [{operation: {paths: ['/a/{*}'], ports: ['80']}}]}], action: DENY}", []),
        ("{rules: [{when: [{key: 'request.headers[x]', values: [a]}]}]}", []),
        ("{rules: [{when: [{key: 'request.auth.claims[a][b]', values: [a]}]}]}", []),
        ("{action: CUSTOM, provider: {name: a}, rules: [{}]}", []),
        ("{}", ["warning spec.rules"]),
        ("{action: DENY}", ["error spec.rules"]),
        ("{action: CUSTOM, provider: {name: a}}", ["error spec.rules"]),
        ("{action: CUSTOM, rules: [{}]}", ["error spec.provider.name"]),
        (f"{{action: CUSTOM, provider: {{name: a}}, rules: [{{{FROM}}}]}}",
         ["error spec.rules[0].from[0].source.principals"]),
        ("{provider: {name: a}, rules: [{}]}", ["error spec.provider"]),
        ("{rules: [{from: []}]}", ["error spec.rules[0].from"]),
        ("{rules: [{from: [{}]}]}", ["error spec.rules[0].from[0].source"]),
        ("{rules: [{from: [{source: {ipBlocks: [a]}}]}]}",
         ["error spec.rules[0].from[0].source.ipBlocks[0]"]),
        ("{rules: [{from: [{source: {principals: ['']}}]}]}",
         ["error spec.rules[0].from[0].source.principals[0]"]),
        ("{rules: [{from: [{source: {serviceAccounts: [a/b], namespaces: [a]}}]}]}",
         ["error spec.rules[0].from[0].source"]),
        ("{rules: [{from: [{source: {serviceAccounts: [a/b/c]}}]}]}",
         ["error spec.rules[0].from[0].source.serviceAccounts[0]"]),
        ("{rules: [{to: [{operation: {}}]}]}", ["error spec.rules[0].to[0].operation"]),
        ("{rules: [{to: [{operation: {ports: ['0']}}]}]}",
         ["error spec.rules[0].to[0].operation.ports[0]"]),
        ("{rules: [{to: [{operation: {paths: ['/{x}']}}]}]}",
         ["error spec.rules[0].to[0].operation.paths[0]"]),
        ("{rules: [{when: [{key: source.ip, values: [a]}]}]}",
         ["error spec.rules[0].when[0].values[0]"]),
        ("{rules: [{when: [{key: source.ip}]}]}", ["error spec.rules[0].when[0]"]),
        ("{rules: [{when: [{key: color, values: [a]}]}]}", ["error spec.rules[0].when[0].key"]),
        ("{rules: [{to: [{operation: {methods: [GET]}}]}], action: DENY}",
         ["warning spec.rules[0]"]),
    ],
)  # fmt: skip
def test_actions_and_rules(spec: str, problems: list[str]) -> None:
    assert found("AuthorizationPolicy", spec) == problems


@pytest.mark.parametrize("value", ["maybe", ""])
def test_a_dry_run_is_true_or_false(value: str) -> None:
    assert found(
        "AuthorizationPolicy", "{rules: [{}]}", annotations={"istio.io/dry-run": value}
    ) == ["error metadata.annotations[istio.io/dry-run]"]


@pytest.mark.parametrize(
    ("path", "sound"),
    [
        ("/a/*", True),
        ("/a/{*}/b/{**}", True),
        ("/{**}", True),
        ("/{**}/a", True),
        ("/{**}/{*}", False),
        ("/a/{b}", False),
        ("/a/{*}b", False),
        ("/{*}/b*", False),
        ("/{*}/b c", False),
    ],
)
def test_path_templates(path: str, sound: bool) -> None:
    assert (template_fault(path) == "") is sound
