"""EnvoyFilters and a real Envoy: patches that it refuses, extensions that it fetches."""

import json

import pytest

from tests.features.running_plane import RunningPlane, control_plane, envoy, run, until
from tests.features.test_served_envoy import MESH

pytestmark = pytest.mark.envoy

HCM = "filterChain: {filter: {name: envoy.filters.network.http_connection_manager}}"
OUTBOUND = f"{{context: SIDECAR_OUTBOUND, listener: {{portNumber: 80, {HCM}}}}}"
PREFIX = "type.googleapis.com/envoy.extensions.filters.http"


def lua(name: str, code: str) -> str:
    """A patch that inserts a filter which runs the code."""
    value = (
        f"{{name: {name}, typed_config: {{'@type': {PREFIX}.lua.v3.Lua, "
        f"default_source_code: {{inline_string: '{code}'}}}}}}"
    )
    return (
        f"  - {{applyTo: HTTP_FILTER, match: {OUTBOUND}, "
        f"patch: {{operation: INSERT_FIRST, value: {value}}}}}\n"
    )


def envoy_filter(*patches: str) -> str:
    return (
        "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\n"
        "metadata: {name: scripts, namespace: shop}\nspec:\n  configPatches:\n" + "".join(patches)
    )


GOOD, BROKEN = "function envoy_on_request(h) end", "this is no Lua"


async def problems(control: RunningPlane) -> list[str]:
    found: list[str] = json.loads((await control.page("/debug/push_status"))[1])["problems"]
    return found


def test_a_patch_that_envoy_refuses_is_left_out_and_told_with_its_place(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What else concerns the listener stays in force, also what comes later."""

    async def main() -> None:
        async with control_plane(MESH) as control, envoy(control.port) as proxy:
            await proxy.shows("reviews.mesh.internal")
            control.source.write(envoy_filter(lua("one", GOOD), lua("two", BROKEN)))
            await proxy.has("listener_manager.lds.update_rejected", 1)
            await proxy.shows('"name": "one"')

            async def is_told() -> bool:
                return bool(await problems(control))

            await until(is_told, "the patch is told")
            (found,) = await problems(control)
            (status,) = json.loads((await control.page("/debug/syncz"))[1])
            assert list(status["left_out"]) == [
                "EnvoyFilter shop/scripts (test.yaml:1) spec.configPatches[1]"
            ]
            assert status["types"]["LDS"]["state"] == "SYNCED"
            assert found.startswith("test.yaml:1 spec.configPatches[1]: refused by Envoy (front-1.")
            assert "script load error" in found

            control.source.write(
                envoy_filter(lua("one", GOOD), lua("two", BROKEN), lua("three", GOOD))
            )
            await proxy.shows('"name": "three"')
            assert len(await problems(control)) == 1
            said: list[str] = []

            async def is_printed() -> bool:
                said.append(capfd.readouterr().err)
                return f"error: {found}" in "".join(said)

            await until(is_printed, "the problem is printed")

            control.source.write(envoy_filter(lua("one", GOOD), lua("two", GOOD)))
            await proxy.shows('"name": "two"')

            async def is_mended() -> bool:
                return not await problems(control)

            await until(is_mended, "the problem has gone")

    run(main)


def test_several_patches_that_envoy_refuses_are_all_found() -> None:
    async def main() -> None:
        async with control_plane(MESH) as control, envoy(control.port) as proxy:
            await proxy.shows("reviews.mesh.internal")
            control.source.write(
                envoy_filter(
                    lua("one", BROKEN), lua("two", GOOD), lua("three", BROKEN), lua("four", GOOD)
                )
            )
            await proxy.shows('"name": "two"')
            await proxy.shows('"name": "four"')

            async def both_are_told() -> bool:
                found = await problems(control)
                return [text.split()[1] for text in found] == [
                    "spec.configPatches[0]:", "spec.configPatches[2]:",
                ]  # fmt: skip

            await until(both_are_told, "both are told, and no other")

    run(main)


def test_a_patch_of_several_listeners_is_found_among_others() -> None:
    """They are rejected together; the patches that are not at fault come back."""
    second = MESH.split("---")[0].replace("reviews", "more").replace("number: 80", "number: 81")
    everywhere = [
        lua(name, code).replace("portNumber: 80, ", "")
        for name, code in (("one", GOOD), ("two", BROKEN), ("three", GOOD), ("four", GOOD))
    ]

    async def main() -> None:
        async with (
            control_plane(f"{MESH}\n---\n{second}") as control,
            envoy(control.port) as proxy,
        ):
            await proxy.shows("0.0.0.0_81")
            control.source.write(envoy_filter(*everywhere))

            async def the_others_are_in_force() -> bool:
                (status,) = json.loads((await control.page("/debug/syncz"))[1])
                listeners = (await proxy.dump()).split("dynamic_listeners")[-1]
                names = [f'"name": "{name}"' for name in ("one", "three", "four")]
                return (
                    list(status["left_out"])
                    == ["EnvoyFilter shop/scripts (test.yaml:1) spec.configPatches[1]"]
                    and all(listeners.count(name) >= 2 for name in names)
                    and status["types"]["LDS"]["state"] == "SYNCED"
                )

            await until(the_others_are_in_force, "one patch is left out, of both listeners")

    run(main)


def test_patches_of_different_listeners_are_found_at_once() -> None:
    second = MESH.split("---")[0].replace("reviews", "more").replace("number: 80", "number: 81")
    patches = (lua("one", BROKEN), lua("two", BROKEN).replace("portNumber: 80", "portNumber: 81"))

    async def main() -> None:
        async with (
            control_plane(f"{MESH}\n---\n{second}") as control,
            envoy(control.port) as proxy,
        ):
            await proxy.shows("0.0.0.0_81")
            control.source.write(envoy_filter(*patches))

            async def both_are_told() -> bool:
                return len(await problems(control)) == 2

            await until(both_are_told, "both are found")

    run(main)


def test_a_patch_that_decides_who_may_pass_is_never_left_out() -> None:
    """A proxy's word is not enough to let everybody in: what was in force stays in force."""
    rbac = lua("envoy.filters.http.rbac", BROKEN)

    async def main() -> None:
        async with control_plane(MESH) as control, envoy(control.port) as proxy:
            await proxy.shows("reviews.mesh.internal")
            control.source.write(envoy_filter(rbac, lua("two", GOOD)))
            await proxy.has("listener_manager.lds.update_rejected", 1)

            async def is_told() -> bool:
                status = json.loads((await control.page("/debug/syncz"))[1])
                listeners = status[0]["types"]["LDS"]
                return listeners["state"] == "ERROR" and "scripts (test.yaml:1)" in str(listeners)

            await until(is_told, "the rejection, with the filter's place")
            assert not await problems(control)

    run(main)


EXTENSION = f"""
  - applyTo: EXTENSION_CONFIG
    patch:
      operation: ADD
      value:
        name: script
        typed_config:
          '@type': {PREFIX}.lua.v3.Lua
          default_source_code: {{inline_string: "{GOOD}"}}
  - applyTo: HTTP_FILTER
    match: {OUTBOUND}
    patch:
      operation: INSERT_FIRST
      value:
        name: script
        config_discovery:
          config_source: {{ads: {{}}, resource_api_version: V3}}
          type_urls: [{PREFIX}.lua.v3.Lua]
"""


def test_an_extension_is_fetched_by_the_filter_that_names_it() -> None:
    async def main() -> None:
        async with control_plane(MESH) as control, envoy(control.port) as proxy:
            await proxy.shows("reviews.mesh.internal")
            control.source.write(envoy_filter(EXTENSION))
            await proxy.shows("EcdsConfigDump")
            await proxy.shows(GOOD)
            control.source.write(envoy_filter(EXTENSION.replace("request(h)", "request(handle)")))
            await proxy.shows("envoy_on_request(handle)")
            assert await proxy.statistic("listener_manager.lds.update_rejected") == 0

    run(main)
