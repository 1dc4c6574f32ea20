"""Values of EnvoyFilter patches beside Envoy's own types."""

from typing import Any

import pytest

from lateen.api.envoy_filter import (
    ApplyTo,
    EnvoyConfigObjectPatch,
    EnvoyFilter,
    Operation,
    Patch,
)
from lateen.api.resource import ObjectMeta, Resource
from lateen.cli.patch_values import check_patch_values

ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


def envoy_filter(apply_to: ApplyTo, value: dict[str, Any]) -> Resource[EnvoyFilter]:
    patch = EnvoyConfigObjectPatch(
        apply_to=apply_to, patch=Patch(operation=Operation.MERGE, value=value)
    )
    return Resource(
        kind="EnvoyFilter",
        api_version="networking.istio.io/v1alpha3",
        meta=ObjectMeta(name="a"),
        spec=EnvoyFilter(config_patches=(patch,)),
    )


def severities(apply_to: ApplyTo, value: dict[str, Any]) -> list[str]:
    problems = check_patch_values(envoy_filter(apply_to, value))
    assert all(problem.path == "spec.configPatches[0].patch.value" for problem in problems)
    return [str(problem.severity) for problem in problems]


def test_what_stands_in_for_an_extension_of_istios_proxy_is_named() -> None:
    filters = {"@type": "type.googleapis.com/stats.PluginConfig"}
    resource = envoy_filter(ApplyTo.HTTP_FILTER, {"name": "istio.stats", "typed_config": filters})

    (problem,) = check_patch_values(resource)

    assert problem.hint.startswith("use a Telemetry resource")


@pytest.mark.parametrize(
    ("apply_to", "value"),
    [
        (ApplyTo.CLUSTER, {"lb_policy": "RING_HASH", "dns_refresh_rate": "500ms"}),
        (ApplyTo.CLUSTER, {"connectTimeout": "1m"}),
        (ApplyTo.HTTP_FILTER, {"name": "a", "typed_config": {"@type": ROUTER}}),
        (ApplyTo.LISTENER, {}),
    ],
)
def test_what_envoy_knows_is_fine(apply_to: ApplyTo, value: dict[str, Any]) -> None:
    assert severities(apply_to, value) == []


@pytest.mark.parametrize(
    ("apply_to", "value"),
    [
        (ApplyTo.CLUSTER, {"name": False}),
        (ApplyTo.CLUSTER, {"lb_polcy": "RING_HASH"}),
        (ApplyTo.HTTP_FILTER, {"typed_config": {"@type": ROUTER, "no_such": 1}}),
        (ApplyTo.NETWORK_FILTER, {"typed_config": {
            "@type": "type.googleapis.com/envoy.config.filter.network.ext_authz.v2.ExtAuthz"}}),
    ],
)  # fmt: skip
def test_what_envoy_does_not_know_is_an_error(apply_to: ApplyTo, value: dict[str, Any]) -> None:
    assert severities(apply_to, value) == ["error"]


def test_another_builds_extension_is_only_doubtful() -> None:
    value = {"typed_config": {"@type": "type.googleapis.com/istio.envoy.config.Thing"}}
    assert severities(ApplyTo.HTTP_FILTER, value) == ["warning"]
