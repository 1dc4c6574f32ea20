"""EnvoyFilters on real proxies."""

import pytest

from tests.mesh.running import RunningMesh, eventually

pytestmark = [pytest.mark.envoy, pytest.mark.root]

LIMIT = """
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: limit, namespace: app}
spec:
  workloadSelector: {labels: {app: reviews}}
  configPatches:
  - applyTo: HTTP_FILTER
    match:
      context: SIDECAR_INBOUND
      listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager}}}
    patch:
      operation: INSERT_BEFORE
      value:
        name: envoy.filters.http.local_ratelimit
        typed_config:
          "@type": type.googleapis.com/udpa.type.v1.TypedStruct
          type_url: type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
          value:
            stat_prefix: http_local_rate_limiter
            token_bucket: {max_tokens: 10, tokens_per_fill: 10, fill_interval: 600s}
            filter_enabled:
              runtime_key: local_rate_limit_enabled
              default_value: {numerator: 100, denominator: HUNDRED}
            filter_enforced:
              runtime_key: local_rate_limit_enforced
              default_value: {numerator: 100, denominator: HUNDRED}
"""  # noqa: E501 - the type's name is long


def test_a_local_rate_limit_answers_429_beyond_its_tokens(mesh: RunningMesh) -> None:
    mesh.apply("limit.yaml", LIMIT)

    answers = eventually(
        lambda: mesh.calls("client.app", "http://reviews.app/", count=40),
        lambda answers: any(answer.status == 429 for answer in answers),
    )

    assert {answer.status for answer in answers} <= {200, 429}
    mesh.remove("limit.yaml")
    eventually(
        lambda: mesh.calls("client.app", "http://reviews.app/", count=40),
        lambda answers: all(answer.status == 200 for answer in answers),
    )
