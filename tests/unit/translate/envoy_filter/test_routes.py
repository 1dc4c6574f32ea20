"""Patches of routes."""

from typing import Any

from lateen.translate import discovery
from tests.unit.translate.envoy_filter.patch_world import (
    found_problems,
    hosts,
    patch,
    patched_mesh,
    sent,
)

WEB = "web.shop.svc.cluster.local:80"
ROUTE = "{name: mine, match: {prefix: /x}, direct_response: {status: 418}}"


def at(vhost: str) -> str:
    return f"{{context: SIDECAR_OUTBOUND, routeConfiguration: {{portNumber: 80, vhost: {vhost}}}}}"


def routes(mesh: Any) -> list[str]:
    return [route.get("name", "") for route in hosts(mesh)[WEB].get("routes", [])]


def test_a_route_is_inserted_first_added_last_and_removed() -> None:
    web = f"{{name: '{WEB}'}}"

    first = routes(patched_mesh(patch("HTTP_ROUTE", "INSERT_FIRST", ROUTE, at(web))))
    last = routes(patched_mesh(patch("HTTP_ROUTE", "ADD", ROUTE, at(web))))
    none = routes(patched_mesh(patch("HTTP_ROUTE", "REMOVE", match=at(web))))

    assert (first[0], last[-1], none) == ("mine", "mine", [])


def test_a_route_match_by_action_finds_only_such_routes() -> None:
    redirect = f"{{name: '{WEB}', route: {{action: REDIRECT}}}}"
    route = f"{{name: '{WEB}', route: {{action: ROUTE}}}}"

    missed = routes(patched_mesh(patch("HTTP_ROUTE", "INSERT_BEFORE", ROUTE, at(redirect))))
    found = routes(patched_mesh(patch("HTTP_ROUTE", "INSERT_BEFORE", ROUTE, at(route))))

    assert "mine" not in missed
    assert found[0] == "mine"


def test_a_host_is_merged_replaced_removed_and_added() -> None:
    web = at(f"{{name: '{WEB}'}}")
    mine = "{name: mine, domains: [mine.example], routes: [" + ROUTE + "]}"

    merged = patched_mesh(patch("VIRTUAL_HOST", "MERGE", "{domains: [more.example]}", web))
    replaced = patched_mesh(patch("VIRTUAL_HOST", "REPLACE", mine, web))
    removed = patched_mesh(patch("VIRTUAL_HOST", "REMOVE", match=web))
    added = patched_mesh(patch("VIRTUAL_HOST", "ADD", mine, "{context: SIDECAR_OUTBOUND}"))

    assert "more.example" in hosts(merged)[WEB]["domains"]
    assert "mine" in hosts(replaced)
    assert WEB not in hosts(replaced)
    assert WEB not in hosts(removed)
    assert {WEB, "mine"} <= hosts(added).keys()


def test_a_host_by_a_domain() -> None:
    found = at("{domainName: web.shop.svc.cluster.local}")
    missed = at("{domainName: other.example}")

    for match, wanted in ((found, True), (missed, False)):
        mesh = patched_mesh(
            patch("VIRTUAL_HOST", "MERGE", "{request_headers_to_remove: [x]}", match)
        )
        assert ("request_headers_to_remove" in hosts(mesh)[WEB]) is wanted


def test_the_configuration_itself_can_only_be_merged() -> None:
    merged = patched_mesh(
        patch("ROUTE_CONFIGURATION", "MERGE", "{max_direct_response_body_size_bytes: 9}")
    )
    added = patched_mesh(patch("ROUTE_CONFIGURATION", "ADD", "{name: x}"))

    made = sent(merged, discovery.ROUTE, "80")
    assert made is not None
    assert made["max_direct_response_body_size_bytes"] == 9
    assert "MERGE" in found_problems(added)[0].hint


def test_a_domain_that_another_host_has_is_not_added_again() -> None:
    twice = "{name: mine, domains: [web.shop.svc.cluster.local]}"
    mesh = patched_mesh(patch("VIRTUAL_HOST", "ADD", twice, "{context: SIDECAR_OUTBOUND}"))

    assert "mine" not in hosts(mesh)
    assert found_problems(mesh, discovery.ROUTE, "80")
