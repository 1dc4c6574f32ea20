"""Rules of policies as RBAC policies."""

from typing import Any

import msgspec
import pytest
import yaml

from lateen.api.authorization_policy import Action, Rule
from lateen.envoy import messages
from lateen.translate.authorization.rule import Context, policy
from lateen.translate.authorization.trust_domain import TrustDomains

OURS = TrustDomains(("new.example", "old.example"))


def built(text: str, *, action: Action = Action.ALLOW, is_tcp: bool = False) -> dict[str, Any]:
    found = policy(as_rule(text), Context("shop", action, is_tcp, OURS))
    assert found is not None
    return messages.to_json(found)


def as_rule(text: str) -> Rule:
    return msgspec.convert(yaml.safe_load(text), Rule)


def principals(text: str) -> list[Any]:
    """The alternatives of the only source's only field."""
    made: list[Any] = built(text)["principals"][0]["and_ids"]["ids"][0]["or_ids"]["ids"]
    return [each["authenticated"]["principal_name"] for each in made]


ANY_PERMISSION = {"and_rules": {"rules": [{"any": True}]}}
ANY_PRINCIPAL = {"and_ids": {"ids": [{"any": True}]}}


def test_an_empty_rule_matches_everything() -> None:
    assert built("{}") == {"permissions": [ANY_PERMISSION], "principals": [ANY_PRINCIPAL]}


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("principals", "x/ns/a/sa/b", {"exact": "spiffe://x/ns/a/sa/b"}),
        ("principals", "x/ns/a/*", {"prefix": "spiffe://x/ns/a/"}),
        ("principals", "*/sa/b.c", {"safe_regex": {"regex": r"spiffe://.*/sa/b\.c"}}),
        ("principals", "*", {"safe_regex": {"regex": ".+"}}),
        ("namespaces", "a.b", {"safe_regex": {"regex": r".*/ns/a\.b/.*"}}),
        ("namespaces", "a*", {"safe_regex": {"regex": ".*/ns/a.*/.*"}}),
        (
            "serviceAccounts",
            "b",
            {"safe_regex": {"regex": "spiffe://.+/ns/shop/(.+/|)sa/b(/.+)?"}},
        ),
        (
            "serviceAccounts",
            "a/b",
            {"safe_regex": {"regex": "spiffe://.+/ns/a/(.+/|)sa/b(/.+)?"}},
        ),
        ("trustDomains", "x", {"prefix": "spiffe://x/"}),
        ("trustDomains", "x*", {"safe_regex": {"regex": "spiffe://x[^/]*/.*"}}),
    ],
)
def test_identities(field: str, value: str, expected: dict[str, Any]) -> None:
    assert principals(f'from: [{{source: {{{field}: ["{value}"]}}}}]') == [expected]


def test_a_principal_of_our_trust_domain_holds_under_all_its_names() -> None:
    found = principals('from: [{source: {principals: ["old.example/ns/a/sa/b"]}}]')
    local = principals('from: [{source: {principals: ["cluster.local/ns/a/sa/b"]}}]')

    both = [{"exact": f"spiffe://{name}.example/ns/a/sa/b"} for name in ("new", "old")]
    assert found == both
    assert local == both


def test_a_principal_of_another_trust_domain_stays_as_it_is() -> None:
    found = principals('from: [{source: {principals: ["foreign/ns/a/sa/b"]}}]')

    assert found == [{"exact": "spiffe://foreign/ns/a/sa/b"}]


def test_values_are_alternatives_and_fields_all_hold() -> None:
    made = built("to: [{operation: {methods: [GET, PUT], ports: ['80'], notPaths: [/x]}}]")

    rules = made["permissions"][0]["and_rules"]["rules"]
    methods = [each["header"]["string_match"]["exact"] for each in rules[0]["or_rules"]["rules"]]
    assert methods == ["GET", "PUT"]
    assert rules[1]["not_rule"]["or_rules"]["rules"] == [{"url_path": {"path": {"exact": "/x"}}}]
    assert rules[2]["or_rules"]["rules"] == [{"destination_port": 80}]


def test_several_sources_and_operations_are_alternatives() -> None:
    made = built("""
from: [{source: {namespaces: [a]}}, {source: {namespaces: [b]}}]
to: [{operation: {ports: ['1']}}, {operation: {ports: ['2']}}]""")

    assert len(made["principals"]) == 2
    assert len(made["permissions"]) == 2


def test_path_templates_match_segments() -> None:
    made = built('to: [{operation: {paths: ["/a/{*}/b/{**}"]}}]')

    template = made["permissions"][0]["and_rules"]["rules"][0]["or_rules"]["rules"][0]
    assert template["uri_template"]["typed_config"]["path_template"] == "/a/*/b/**"


def test_conditions_hold_for_every_source_and_operation() -> None:
    made = built("""
from: [{source: {namespaces: [a]}}, {source: {namespaces: [b]}}]
when: [{key: "request.headers[x-a]", values: [v]}, {key: destination.port, values: ["80"]}]""")

    wanted = {"header": {"name": "x-a", "string_match": {"exact": "v"}}}
    assert all(
        each["and_ids"]["ids"][1] == {"or_ids": {"ids": [wanted]}} for each in made["principals"]
    )
    assert made["permissions"][0]["and_rules"]["rules"] == [
        {"or_rules": {"rules": [{"destination_port": 80}]}}
    ]


def test_claims_may_be_texts_or_lists() -> None:
    made = built('when: [{key: "request.auth.claims[realm][roles]", values: [admin]}]')

    found = made["principals"][0]["and_ids"]["ids"][0]["metadata"]
    assert [part["key"] for part in found["path"]] == ["payload", "realm", "roles"]
    assert found["value"]["or_match"]["value_matchers"] == [
        {"list_match": {"one_of": {"string_match": {"exact": "admin"}}}},
        {"string_match": {"exact": "admin"}},
    ]


@pytest.mark.parametrize(
    ("value", "issuer", "subject"),
    [
        ("iss/sub", {"exact": "iss"}, {"exact": "sub"}),
        ("https://a/b/sub", {"exact": "https://a/b"}, {"exact": "sub"}),
        ("*", {"safe_regex": {"regex": ".+"}}, {"safe_regex": {"regex": ".+"}}),
        ("iss/*", {"exact": "iss"}, {"safe_regex": {"regex": ".+"}}),
        ("*/sub", {"safe_regex": {"regex": ".+"}}, {"exact": "sub"}),
        ("is*", {"prefix": "is"}, {"safe_regex": {"regex": ".+"}}),
    ],
)
def test_request_principals(value: str, issuer: Any, subject: Any) -> None:
    made = built(f'from: [{{source: {{requestPrincipals: ["{value}"]}}}}]')

    pair = made["principals"][0]["and_ids"]["ids"][0]["and_ids"]["ids"]
    assert [each["metadata"]["value"]["string_match"] for each in pair] == [issuer, subject]


def test_on_tcp_an_allow_rule_that_needs_http_is_dropped() -> None:
    rule = as_rule("to: [{operation: {methods: [GET], ports: ['80']}}]")

    assert policy(rule, Context("shop", Action.ALLOW, True, OURS)) is None


def test_on_tcp_a_deny_rule_goes_by_the_rest() -> None:
    made = built(
        "to: [{operation: {methods: [GET], ports: ['80']}}]", action=Action.DENY, is_tcp=True
    )

    assert made["permissions"] == [
        {"and_rules": {"rules": [{"or_rules": {"rules": [{"destination_port": 80}]}}]}}
    ]


def test_a_value_that_makes_no_sense_allows_nothing_and_does_not_weaken_a_deny() -> None:
    text = "to: [{operation: {ports: [http, '80']}}]"

    assert policy(as_rule(text), Context("shop", Action.ALLOW, False, OURS)) is None
    assert built(text, action=Action.DENY)["permissions"] == [
        {"and_rules": {"rules": [{"or_rules": {"rules": [{"destination_port": 80}]}}]}}
    ]
