"""Values of patches, as users write them."""

import pytest

from tests.unit.translate.envoy_filter.patch_world import (
    HCM,
    found_problems,
    http_filters,
    patch,
    patched_mesh,
)

LIMIT = (
    "{{name: envoy.filters.http.local_ratelimit, {field}: {{'@type': "
    "type.googleapis.com/{struct}, type_url: type.googleapis.com/"
    "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit, value: {value}}}}}"
)
MATCH = f"{{context: SIDECAR_OUTBOUND, listener: {HCM}}}"


@pytest.mark.parametrize("struct", ["udpa.type.v1.TypedStruct", "xds.type.v3.TypedStruct"])
@pytest.mark.parametrize("field", ["typed_config", "typedConfig"])
def test_a_typed_struct_is_read_as_what_it_describes(struct: str, field: str) -> None:
    value = LIMIT.format(struct=struct, field=field, value="{stat_prefix: x}")
    mesh = patched_mesh(patch("HTTP_FILTER", "INSERT_FIRST", value, MATCH))

    assert http_filters(mesh)[0] == "envoy.filters.http.local_ratelimit"
    assert not found_problems(mesh)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("{stat_prefix: x, no_such: 1}", "no_such"),
        ("{}", "stat_prefix: must not be empty"),
    ],
)
def test_a_mistake_in_the_configuration_leaves_the_patch_out(value: str, words: str) -> None:
    written = LIMIT.format(struct="udpa.type.v1.TypedStruct", field="typed_config", value=value)
    mesh = patched_mesh(patch("HTTP_FILTER", "INSERT_FIRST", written, MATCH))

    assert "envoy.filters.http.local_ratelimit" not in http_filters(mesh)
    (problem,) = found_problems(mesh)
    assert words in problem.message
    assert problem.resource == "EnvoyFilter shop/patch"
    assert problem.file


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("{name: istio.stats, typed_config: {'@type': x/stats.PluginConfig}}", "Telemetry"),
        (
            "{name: a, typed_config: {'@type': x/envoy.config.filter.http.lua.v2.Lua}}",
            "v3 API",
        ),
        ("{name: envoy.filters.http.golang}", "envoy.filters.http.lua"),
    ],
)
def test_what_the_stock_envoy_lacks_is_refused_with_its_replacement(value: str, hint: str) -> None:
    (problem,) = found_problems(patched_mesh(patch("HTTP_FILTER", "INSERT_FIRST", value, MATCH)))

    assert hint in problem.hint
