"""Structure of a document beside its type."""

from typing import Any

import pytest

from lateen.api.destination_rule import DestinationRule
from lateen.api.kubernetes.service import ServiceSpec
from lateen.api.peer_authentication import PeerAuthentication
from lateen.api.virtual_service import VirtualService
from lateen.base.problem import Severity
from lateen.config.decode import decode
from lateen.config.structure import Conformance, described, did_you_mean, plain, type_of


def problems(value: Any, cls: type = VirtualService) -> list[str]:
    walk = Conformance(Severity.ERROR)
    walk.conform(value, type_of(cls), "spec")
    return [f"{problem.path}: {problem.message}" for problem in walk.problems]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"hosts": "a"}, 'spec.hosts: must be a list, not "a"'),
        ({"hosts": [1]}, "spec.hosts[0]: must be text, not the number 1"),
        ({"http": [[]]}, "spec.http[0]: must be an object, not a list"),
        (
            {"http": [{"timeout": "5"}]},
            'spec.http[0].timeout: "5" is not a duration; write it as 1h, 30s, 1.5s or 250ms',
        ),
        (
            {"http": [{"match": [{"port": -1}]}]},
            "spec.http[0].match[0].port: must be from 0 to 4294967295, not -1",
        ),
        (
            {"http": [{"match": [{"ignoreUriCase": "yes"}]}]},
            'spec.http[0].match[0].ignoreUriCase: must be true or false, not "yes"',
        ),
        (
            {"http": [{"match": [{"headers": {"a": None}}]}]},
            "spec.http[0].match[0].headers[a]: must not be null",
        ),
        (
            {"http": [{"match": [{"uri": {"exact": "/", "prefix": "/"}}]}]},
            "spec.http[0].match[0].uri: at most one of exact, prefix may be set",
        ),
        (
            {"http": [{"corsPolicy": {"unmatchedPreflights": "DROP"}}]},
            "spec.http[0].corsPolicy.unmatchedPreflights: "
            'must be one of UNSPECIFIED, FORWARD, IGNORE, not "DROP"',
        ),
        (
            {"http": [{"directResponse": {"body": {"bytes": "&&&"}}}]},
            "spec.http[0].directResponse.body.bytes: is not valid base64",
        ),
        (
            {"exportTo": ["*"], "export_to": ["."]},
            "spec.export_to: is the same field as exportTo, which is set too",
        ),
    ],
)
def test_a_mistake_is_told_with_path_and_value(value: Any, message: str) -> None:
    assert problems(value) == [message]


def test_protobufs_other_spellings_are_accepted() -> None:
    spec, found = decode(
        {
            "traffic_policy": {
                "load_balancer": {"simple": 4},
                "connectionPool": {"http": {"maxRetries": "3", "http2_max_requests": 5.0}},
                "tls": None,
            }
        },
        DestinationRule,
        path="spec",
        strict=True,
    )
    assert found == []
    assert spec is not None
    policy = spec.traffic_policy
    assert policy is not None
    assert policy.load_balancer is not None
    assert policy.load_balancer.simple == "ROUND_ROBIN"
    assert policy.connection_pool is not None
    assert policy.connection_pool.http is not None
    assert policy.connection_pool.http.max_retries == 3
    assert policy.connection_pool.http.http2_max_requests == 5


def test_an_enum_number_out_of_range_is_refused() -> None:
    assert problems({"trafficPolicy": {"loadBalancer": {"simple": 99}}}, DestinationRule)


def test_keys_of_a_map_may_be_numbers_or_their_text() -> None:
    for key in (8080, "8080"):
        spec, found = decode(
            {"portLevelMtls": {key: {"mode": "STRICT"}}}, PeerAuthentication, path="", strict=True
        )
        assert found == []
        assert spec is not None
        assert list(spec.port_level_mtls) == [8080]
    assert problems({"portLevelMtls": {"http": {}}}, PeerAuthentication)


def test_what_may_be_left_out_may_not_be_written_empty() -> None:
    assert problems({"portLevelMtls": {}}, PeerAuthentication) == [
        "spec.portLevelMtls: must not be empty"
    ]


def test_a_target_port_is_a_number_or_a_name() -> None:
    assert problems({"ports": [{"targetPort": 80}, {"targetPort": "http"}]}, ServiceSpec) == []
    assert problems({"ports": [{"targetPort": [1]}]}, ServiceSpec)


def test_null_is_absent() -> None:
    assert problems({"hosts": None, "http": [{"match": [None]}]}) == []


def test_a_close_name_is_suggested_and_a_far_one_is_not() -> None:
    assert did_you_mean("routes", ["route", "redirect"]) == 'did you mean "route"?'
    assert did_you_mean("allow_origns", ["allowOrigins"]) == 'did you mean "allowOrigins"?'
    assert did_you_mean("zzz", ["route"]) == ""


def test_values_are_shown_as_they_are_written() -> None:
    assert described(True) == "true"
    assert described("x" * 100).endswith('..."')


def test_a_struct_becomes_the_data_it_came_from() -> None:
    data = {"hosts": ["a"], "http": [{"timeout": "1.5s", "match": [{"uri": {"prefix": "/"}}]}]}
    spec, _ = decode(data, VirtualService, path="", strict=True)
    assert spec is not None
    again, _ = decode(plain(spec), VirtualService, path="", strict=True)
    assert again == spec


def test_a_field_that_is_written_too_deep_is_told_where_it_belongs() -> None:
    walk = Conformance(Severity.ERROR)
    route = {"destination": {"host": "a", "weight": 60}, "timeout": "3s", "wieght": 5}
    walk.conform({"hosts": ["a"], "http": [{"route": [route]}]}, type_of(VirtualService), "spec")

    assert [(problem.path, problem.hint) for problem in walk.problems] == [
        (
            "spec.http[0].route[0].destination.weight",
            "it is a field of spec.http[0].route[0]; move it there",
        ),
        ("spec.http[0].route[0].timeout", "it is a field of spec.http[0]; move it there"),
        ("spec.http[0].route[0].wieght", 'did you mean "weight"?'),
    ]
