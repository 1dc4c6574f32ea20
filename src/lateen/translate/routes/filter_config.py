"""What a route tells HTTP filters: faults to inject and the policy for other origins (CORS)."""

from typing import Any

from lateen.api.virtual_service import (
    CorsPolicy,
    HTTPFaultInjection,
    Percent,
    UnmatchedPreflights,
)
from lateen.envoy import messages, types
from lateen.translate.routes.match import string_matcher

FAULT_FILTER = "envoy.filters.http.fault"
CORS_FILTER = "envoy.filters.http.cors"
MILLIONTHS_PER_PERCENT = 10_000
MILLION = 2  # FractionalPercent.DenominatorType
GRPC_STATUS = """
    OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS
    PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED
    INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED
"""
GRPC_CODES = {name: code for code, name in enumerate(GRPC_STATUS.split())}


def fractional_percent(percent: Percent) -> Any:
    """Exact to four decimals of a percent."""
    return types.FractionalPercent(
        numerator=round(percent.value * MILLIONTHS_PER_PERCENT), denominator=MILLION
    )


def fault(injection: HTTPFaultInjection) -> Any | None:
    """None when nothing that Envoy can inject is left."""
    made = types.HTTPFault()
    delay, abort = injection.delay, injection.abort
    if delay is not None and delay.fixed_delay is not None:
        made.delay.fixed_delay.CopyFrom(messages.duration(delay.fixed_delay))
        if delay.percentage is not None:
            made.delay.percentage.CopyFrom(fractional_percent(delay.percentage))
        else:
            made.delay.percentage.numerator = delay.percent
    if abort is not None:
        if abort.http_status is not None:
            made.abort.http_status = abort.http_status
        elif abort.grpc_status is not None:
            made.abort.grpc_status = GRPC_CODES.get(abort.grpc_status.upper(), 2)
        if made.HasField("abort"):
            made.abort.percentage.SetInParent()
            if abort.percentage is not None:
                made.abort.percentage.CopyFrom(fractional_percent(abort.percentage))
    return made if made.HasField("delay") or made.HasField("abort") else None


def cors(policy: CorsPolicy) -> Any:
    made = types.HttpCorsPolicy()
    if policy.allow_origins:
        made.allow_origin_string_match.extend(
            string_matcher(origin)
            for origin in policy.allow_origins
            if (origin.exact, origin.prefix, origin.regex) != (None, None, None)
        )
    else:
        for origin in policy.allow_origin:
            made.allow_origin_string_match.add().exact = origin
    made.allow_methods = ",".join(policy.allow_methods)
    made.allow_headers = ",".join(policy.allow_headers)
    made.expose_headers = ",".join(policy.expose_headers)
    if policy.max_age is not None:
        made.max_age = str(int(policy.max_age.seconds))
    if policy.allow_credentials is not None:
        made.allow_credentials.value = policy.allow_credentials
    made.filter_enabled.default_value.numerator = 100
    made.forward_not_matching_preflights.value = (
        policy.unmatched_preflights is not UnmatchedPreflights.IGNORE
    )
    return made
