"""When Envoy asks again: HTTPRetry as a RetryPolicy, and Istio's policy for routes without one."""

from http import HTTPStatus
from typing import Any

from lateen.api.virtual_service import HTTPRetry
from lateen.envoy import messages, types

DEFAULT_ATTEMPTS = 2
DEFAULT_CONDITIONS = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"
STATUS_CODES = "retriable-status-codes"
HOST_SELECTION_ATTEMPTS = 5  # how often another host is looked for before a tried one is taken
PRIORITY_UPDATE_FREQUENCY = 2  # after so many attempts the next locality is considered

PREVIOUS_HOSTS = "envoy.retry_host_predicates.previous_hosts"
PREVIOUS_PRIORITIES = "envoy.retry_priorities.previous_priorities"
KNOWN_CODES = frozenset(status.value for status in HTTPStatus)


def retry_policy(retry: HTTPRetry | None, *, consistent_hash: bool = False) -> Any | None:
    """None: no retries. `retry` None is the default policy of Istio, not "no retries".

    With consistent hashing the host is chosen by the request, so a tried one is not avoided unless
    the policy says so.
    """
    if retry is not None and retry.attempts <= 0:
        return None
    made = types.RouteRetryPolicy(host_selection_retry_max_attempts=HOST_SELECTION_ATTEMPTS)
    made.retry_on = DEFAULT_CONDITIONS
    made.num_retries.value = DEFAULT_ATTEMPTS
    if retry is not None:
        _apply(made, retry)
    if _avoids_tried_hosts(retry, consistent_hash=consistent_hash):
        predicate = made.retry_host_predicate.add(name=PREVIOUS_HOSTS)
        predicate.typed_config.CopyFrom(
            messages.empty("envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate")
        )
    return made


def _avoids_tried_hosts(retry: HTTPRetry | None, *, consistent_hash: bool) -> bool:
    if retry is None or retry.retry_ignore_previous_hosts is None:
        return not consistent_hash
    return retry.retry_ignore_previous_hosts


def split_conditions(retry_on: str) -> tuple[str, tuple[int, ...]]:
    """Envoy's conditions and the HTTP status codes among them."""
    conditions: list[str] = []
    codes: list[int] = []
    for part in (part.strip() for part in retry_on.split(",")):
        if part.isdecimal() and int(part) in KNOWN_CODES:
            codes.append(int(part))
        elif part:
            conditions.append(part)
    if codes and STATUS_CODES not in conditions:
        conditions.append(STATUS_CODES)  # codes alone have no effect in Envoy
    return ",".join(conditions), tuple(codes)


def _apply(made: Any, retry: HTTPRetry) -> None:
    made.num_retries.value = retry.attempts
    if retry.retry_on:
        made.retry_on, codes = split_conditions(retry.retry_on)
        made.retriable_status_codes.extend(codes)
    if retry.per_try_timeout is not None:
        made.per_try_timeout.CopyFrom(messages.duration(retry.per_try_timeout))
    if retry.backoff is not None:
        made.retry_back_off.base_interval.CopyFrom(messages.duration(retry.backoff))
    if retry.retry_remote_localities:
        made.retry_priority.name = PREVIOUS_PRIORITIES
        made.retry_priority.typed_config.CopyFrom(
            messages.pack(
                types.PreviousPrioritiesConfig(update_frequency=PRIORITY_UPDATE_FREQUENCY)
            )
        )
