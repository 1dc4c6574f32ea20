"""PeerAuthentication and RequestAuthentication."""

import re
from pathlib import Path

import pytest
import yaml

from lateen.config.documents import documents
from lateen.config.examine import examine
from tests.unit.config.validation.found import found

KEY = '{"kty": "RSA", "n": "x", "e": "AQAB"}'


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        ("{}", []),
        ("{mtls: {mode: STRICT}}", []),
        ("{selector: {matchLabels: {a: b}}, portLevelMtls: {80: {mode: DISABLE}}}", []),
        ("{portLevelMtls: {80: {mode: DISABLE}}}", ["error spec.portLevelMtls"]),
        ("{selector: {matchLabels: {a: b}}, portLevelMtls: {70000: {}}}",
         ["error spec.portLevelMtls[70000]"]),
        ("{selector: {matchLabels: {a: '*'}}}", ["error spec.selector.matchLabels[a]"]),
    ],
)  # fmt: skip
def test_peers(spec: str, problems: list[str]) -> None:
    assert found("PeerAuthentication", spec) == problems


def rule(text: str) -> list[str]:
    problems = found("RequestAuthentication", {"jwtRules": [yaml.safe_load(text)]})
    return [problem.replace("spec.jwtRules[0]", "").rstrip() for problem in problems]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("{issuer: a}", []),
        ("{issuer: a, jwksUri: 'https://a:8443/keys', timeout: 5s}", []),
        (f"{{issuer: a, jwks: '{{\"keys\": [{KEY}]}}'}}", []),
        ("{}", ["error"]),
        ("{issuer: a, jwksUri: a.b}", ["error .jwksUri"]),
        ("{issuer: a, jwksUri: 'https://a:b'}", ["error .jwksUri"]),
        ("{issuer: a, jwksUri: 'https:///x'}", ["error .jwksUri"]),
        ("{issuer: a, jwks: '{}'}", ["error .jwks"]),
        ("{issuer: a, jwks: '{\"keys\": [{}]}'}", ["error .jwks"]),
        ("{issuer: a, jwks: '{\"keys\": [{\"kty\": \"oct\", \"d\": \"x\"}]}'}", ["warning .jwks"]),
        ("{issuer: a, audiences: ['']}", ["error .audiences[0]"]),
        ("{issuer: a, fromHeaders: [{}]}", ["error .fromHeaders[0].name"]),
        ("{issuer: a, outputClaimToHeaders: [{header: x, claim: ''}]}",
         ["error .outputClaimToHeaders[0].claim"]),
        ("{issuer: a, outputPayloadToHeader: ':path'}", ["error .outputPayloadToHeader"]),
        ("{issuer: a, timeout: 1us}", ["error .timeout"]),
    ],
)  # fmt: skip
def test_token_rules(text: str, problems: list[str]) -> None:
    assert rule(text) == problems


def test_a_policy_says_once_what_it_applies_to() -> None:
    target = "targetRefs: [{kind: Gateway, group: gateway.networking.k8s.io, name: a}]"
    assert found("RequestAuthentication", f"{{{target}}}") == []
    assert found("RequestAuthentication", f"{{{target}, selector: {{matchLabels: {{a: b}}}}}}") == [
        "error spec"
    ]


def test_there_is_no_dry_run_of_tokens() -> None:
    assert found("RequestAuthentication", "{}", annotations={"istio.io/dry-run": "true"}) == [
        "error metadata.annotations[istio.io/dry-run]"
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "[::1]", "0.0.0.0"])
def test_keys_on_this_machine_are_not_fetched(host: str) -> None:
    rule = f"{{jwtRules: [{{issuer: a, jwksUri: 'http://{host}:8000/keys'}}]}}"

    assert found("RequestAuthentication", rule) == ["warning spec.jwtRules[0].jwksUri"]


@pytest.mark.parametrize("host", ["10.0.0.1", "keys.shop.svc", "localhost.example.com"])
def test_keys_elsewhere_are_fetched(host: str) -> None:
    rule = f"{{jwtRules: [{{issuer: a, jwksUri: 'http://{host}:8000/keys'}}]}}"

    assert found("RequestAuthentication", rule) == []


def test_the_manifests_of_the_guide_are_valid() -> None:
    guide = Path(__file__).parents[4].joinpath("docs", "security", "authorization.md").read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)
    whole = [block for block in blocks if block.startswith("apiVersion")]

    assert len(whole) == 2
    read = examine(documents("---\n".join(whole)))
    findings = [problem for each in read for problem in each.problems]
    assert [problem.severity for problem in findings] == ["warning"]  # nothing is allowed, as meant
