"""HTTPRetry as Envoy's RetryPolicy."""

from typing import Any

import pytest

from lateen.api.duration import Duration
from lateen.api.virtual_service import HTTPRetry
from lateen.envoy import messages
from lateen.translate.routes.retry import retry_policy, split_conditions

DEFAULT = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"


def made(retry: HTTPRetry | None, **settings: Any) -> dict[str, Any]:
    policy = retry_policy(retry, **settings)
    assert policy is not None
    return messages.to_json(policy)


def test_default_tries_twice_more_on_another_host() -> None:
    policy = made(None)

    assert policy["retry_on"] == DEFAULT
    assert policy["num_retries"] == 2
    assert policy["host_selection_retry_max_attempts"] == "5"
    assert [each["name"] for each in policy["retry_host_predicate"]] == [
        "envoy.retry_host_predicates.previous_hosts"
    ]


def test_no_attempts_are_no_retries() -> None:
    assert retry_policy(HTTPRetry(attempts=0)) is None


def test_previous_hosts_may_be_allowed_and_are_with_consistent_hashing() -> None:
    allowed = HTTPRetry(attempts=1, retry_ignore_previous_hosts=False)

    assert "retry_host_predicate" not in made(allowed)
    assert "retry_host_predicate" not in made(None, consistent_hash=True)


def test_previous_hosts_are_avoided_with_consistent_hashing_where_the_policy_says_so() -> None:
    avoided = HTTPRetry(attempts=1, retry_ignore_previous_hosts=True)

    assert "retry_host_predicate" in made(avoided, consistent_hash=True)


def test_settings_are_taken_over() -> None:
    policy = made(
        HTTPRetry(
            attempts=3,
            per_try_timeout=Duration.parse("2s"),
            backoff=Duration.parse("50ms"),
            retry_on="gateway-error,503",
            retry_remote_localities=True,
        )
    )

    assert policy["num_retries"] == 3
    assert policy["per_try_timeout"] == "2s"
    assert policy["retry_back_off"] == {"base_interval": "0.050s"}
    assert policy["retry_on"] == "gateway-error,retriable-status-codes"
    assert policy["retriable_status_codes"] == [503]
    assert policy["retry_priority"]["typed_config"]["update_frequency"] == 2


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("5xx", ("5xx", ())),
        (" 5xx , 503,429 ", ("5xx,retriable-status-codes", (503, 429))),
        ("retriable-status-codes,503", ("retriable-status-codes", (503,))),
        ("999", ("999", ())),  # no status code, so a condition, which Envoy ignores
    ],
)
def test_status_codes_are_told_from_conditions(
    text: str, split: tuple[str, tuple[int, ...]]
) -> None:
    assert split_conditions(text) == split
