"""Patches of listeners and what is in them."""

import pytest

from lateen.translate import discovery
from tests.envoy_check import assert_accepted
from tests.unit.translate.envoy_filter.patch_world import (
    CLIENT,
    HCM,
    LUA,
    SERVER,
    found_problems,
    http_filters,
    listener,
    patch,
    patched_mesh,
    sent,
)

ROUTER = "envoy.filters.http.router"
BLACK_HOLE = "{listener: {filterChain: {name: virtualOutbound-blackhole}}}"


def sub_filter(name: str) -> str:
    return HCM.replace("manager}", f"manager, subFilter: {{name: {name}}}}}")


def http(operation: str, name: str = "", context: str = "SIDECAR_OUTBOUND") -> str:
    where = sub_filter(name) if name else HCM
    value = "" if operation == "REMOVE" else LUA
    return patch("HTTP_FILTER", operation, value, f"{{context: {context}, listener: {where}}}")


def test_insert_before_without_a_filter_match_goes_to_the_front() -> None:
    assert http_filters(patched_mesh(http("INSERT_BEFORE")))[0] == "envoy.filters.http.lua"


def test_insert_before_the_router_goes_there() -> None:
    names = http_filters(patched_mesh(http("INSERT_BEFORE", ROUTER)))

    assert names[-2:] == ["envoy.filters.http.lua", ROUTER]


def test_a_deprecated_filter_name_finds_its_successor() -> None:
    names = http_filters(patched_mesh(http("INSERT_BEFORE", "envoy.router")))

    assert names[-2:] == ["envoy.filters.http.lua", ROUTER]


def test_insert_after_a_filter_goes_behind_it() -> None:
    names = http_filters(patched_mesh(http("INSERT_AFTER", "envoy.filters.http.fault")))

    at = names.index("envoy.filters.http.fault")
    assert names[at + 1] == "envoy.filters.http.lua"


def test_istios_statistics_stand_before_the_router() -> None:
    names = http_filters(patched_mesh(http("INSERT_BEFORE", "istio.stats")))

    assert names[-2:] == ["envoy.filters.http.lua", ROUTER]


def test_replace_takes_the_first_of_that_name_and_remove_all() -> None:
    fault = "envoy.filters.http.fault"

    replaced = http_filters(patched_mesh(http("REPLACE", fault)))
    removed = http_filters(patched_mesh(http("REMOVE", fault)))

    assert fault not in replaced + removed
    assert "envoy.filters.http.lua" in replaced


def test_an_addition_after_the_router_is_left_out_and_reported() -> None:
    mesh = patched_mesh(http("ADD"))

    assert http_filters(mesh)[-1] == ROUTER
    (problem,) = found_problems(mesh, discovery.LISTENER, "0.0.0.0_80")
    assert problem.path == "spec.configPatches[0]"
    assert "INSERT_BEFORE" in problem.hint


def test_a_failing_patch_does_not_stop_the_others() -> None:
    mesh = patched_mesh(http("ADD"), http("INSERT_FIRST"))

    assert http_filters(mesh)[0] == "envoy.filters.http.lua"


def test_a_context_decides_which_listeners_are_patched() -> None:
    mesh = patched_mesh(http("INSERT_FIRST", context="SIDECAR_INBOUND"))

    assert "envoy.filters.http.lua" not in http_filters(mesh)
    assert "envoy.filters.http.lua" in http_filters(mesh, "virtualInbound", SERVER)


def test_merging_a_filter_merges_inside_its_configuration() -> None:
    mesh = patched_mesh(
        patch(
            "NETWORK_FILTER",
            "MERGE",
            "{name: envoy.filters.network.http_connection_manager, typed_config: {'@type': "
            "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
            ".HttpConnectionManager, server_name: hidden, stream_idle_timeout: 7s}}",
            f"{{context: SIDECAR_OUTBOUND, listener: {HCM}}}",
        )
    )

    manager = listener(mesh)["filter_chains"][0]["filters"][-1]["typed_config"]
    assert manager["server_name"] == "hidden"
    assert manager["stream_idle_timeout"] == "7s"
    assert manager["rds"]["route_config_name"] == "80"


def test_a_merge_of_another_type_is_left_out_and_reported() -> None:
    mesh = patched_mesh(
        patch(
            "HTTP_FILTER",
            "MERGE",
            LUA,
            f"{{context: SIDECAR_OUTBOUND, listener: {sub_filter(ROUTER)}}}",
        )
    )

    assert http_filters(mesh)[-1] == ROUTER
    assert "cannot be merged" in found_problems(mesh, discovery.LISTENER, "0.0.0.0_80")[0].message


def test_the_port_of_a_captured_chain_is_its_destination_port() -> None:
    def inbound(port: int) -> list[str]:
        where = f"{{portNumber: {port}, {HCM[1:]}"
        mesh = patched_mesh(
            patch("HTTP_FILTER", "INSERT_FIRST", LUA, f"{{listener: {where}}}"),
        )
        made = listener(mesh, "virtualInbound", SERVER)
        return [
            str(chain["filter_chain_match"].get("destination_port"))
            for chain in made["filter_chains"]
            if "http.lua" in str(chain)
        ]

    assert set(inbound(80)) <= {"80"}
    assert inbound(1) == []


def test_a_removed_listener_is_gone_and_an_added_one_there() -> None:
    added = (
        "{name: mine, address: {socket_address: {address: 127.0.0.1, port_value: 9999}}, "
        "filter_chains: [{filters: [{name: envoy.filters.network.echo, typed_config: {'@type': "
        "type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo}}]}]}"
    )
    mesh = patched_mesh(
        patch("LISTENER", "REMOVE", match="{listener: {name: 0.0.0.0_80}}"),
        patch("LISTENER", "ADD", added),
    )

    assert sent(mesh, discovery.LISTENER, "0.0.0.0_80") is None
    assert discovery.names(mesh, CLIENT, discovery.LISTENER).count("mine") == 1
    assert listener(mesh, "mine")["name"] == "mine"


def test_listener_filters_chains_and_listeners_are_merged_and_removed() -> None:
    mesh = patched_mesh(
        patch("LISTENER", "MERGE", "{per_connection_buffer_limit_bytes: 4096}"),
        patch(
            "FILTER_CHAIN",
            "MERGE",
            "{transport_socket_connect_timeout: 3s}",
            f"{{listener: {HCM}}}",
        ),
        patch(
            "LISTENER_FILTER",
            "INSERT_FIRST",
            "{name: envoy.filters.listener.proxy_protocol, typed_config: {'@type': "
            "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3"
            ".ProxyProtocol}}",
        ),
        patch(
            "FILTER_CHAIN",
            "REMOVE",
            match=BLACK_HOLE,
        ),
    )

    made = listener(mesh)
    assert made["per_connection_buffer_limit_bytes"] == 4096
    assert made["filter_chains"][0]["transport_socket_connect_timeout"] == "3s"
    assert made["listener_filters"][0]["name"] == "envoy.filters.listener.proxy_protocol"
    assert "virtualOutbound-blackhole" not in str(listener(mesh, "virtualOutbound"))


def test_inbound_routes_are_patched_in_their_listener() -> None:
    mesh = patched_mesh(
        patch(
            "VIRTUAL_HOST",
            "MERGE",
            "{response_headers_to_add: [{header: {key: x-patched, value: 'yes'}}]}",
            "{context: SIDECAR_INBOUND}",
        )
    )

    assert "x-patched" in str(listener(mesh, "virtualInbound", SERVER))
    assert "x-patched" not in str(listener(mesh))


@pytest.mark.envoy
def test_envoy_accepts_patched_listeners() -> None:
    mesh = patched_mesh(
        http("INSERT_BEFORE", ROUTER), http("INSERT_FIRST", context="SIDECAR_INBOUND")
    )
    made = [
        discovery.cell(mesh, proxy, discovery.LISTENER, name).read()
        for proxy in (CLIENT, SERVER)
        for name in ("0.0.0.0_80", "virtualInbound")
    ]

    assert_accepted(listeners=made)


GRPC_STATS = "envoy.filters.http.grpc_stats"


def merged_statistics(more: str = "") -> str:
    config = "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig"
    value = (
        f"{{name: {GRPC_STATS}{more}, typed_config: "
        f"{{'@type': type.googleapis.com/{config}, stats_for_all_methods: true}}}}"
    )
    where = sub_filter(GRPC_STATS)
    return patch("HTTP_FILTER", "MERGE", value, f"{{context: SIDECAR_OUTBOUND, listener: {where}}}")


def is_off(text: str) -> bool:
    manager = listener(patched_mesh(text))["filter_chains"][0]["filters"][-1]["typed_config"]
    (found,) = [each for each in manager["http_filters"] if each["name"] == GRPC_STATS]
    return bool(found.get("disabled", False))


def test_a_filter_that_few_requests_need_acts_once_it_is_given_settings() -> None:
    assert is_off(http("INSERT_BEFORE"))
    assert not is_off(merged_statistics())


def test_a_patch_may_leave_a_filter_off() -> None:
    assert is_off(merged_statistics(", disabled: true"))
