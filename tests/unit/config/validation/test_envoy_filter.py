"""EnvoyFilter."""

import pytest

from tests.unit.config.validation.found import found

HCM = "envoy.filters.network.http_connection_manager"
REMOVE = "patch: {operation: REMOVE}"


def chain(text: str) -> str:
    return f"match: {{listener: {{filterChain: {{filter: {text}}}}}}}"


@pytest.mark.parametrize(
    ("patch", "problems"),
    [
        (f"applyTo: CLUSTER, match: {{cluster: {{name: a}}}}, {REMOVE}", []),
        (f"applyTo: HTTP_FILTER, {chain(f'{{name: {HCM}, subFilter: {{name: a}}}}')}, {REMOVE}",
         []),
        ("applyTo: LISTENER, patch: {operation: MERGE, value: {}}", []),
        (REMOVE, ["error .applyTo"]),
        ("applyTo: LISTENER", ["error .patch"]),
        ("applyTo: LISTENER, patch: {}", ["error .patch.operation"]),
        ("applyTo: LISTENER, patch: {operation: ADD}", ["error .patch.value"]),
        (f"applyTo: LISTENER, match: {{cluster: {{}}}}, {REMOVE}", ["error .match.cluster"]),
        (f"applyTo: VIRTUAL_HOST, match: {{listener: {{}}}}, {REMOVE}", ["error .match.listener"]),
        (f"applyTo: CLUSTER, match: {{proxy: {{proxyVersion: 'a++'}}}}, {REMOVE}",
         ["error .match.proxy.proxyVersion"]),
        (f"applyTo: CLUSTER, match: {{proxy: {{proxyVersion: '{'a' * 1025}'}}}}, {REMOVE}",
         ["warning .match.proxy.proxyVersion"]),
        (f"applyTo: NETWORK_FILTER, {chain('{}')}, {REMOVE}",
         ["error .match.listener.filterChain.filter"]),
        (f"applyTo: NETWORK_FILTER, {chain(f'{{name: {HCM}, subFilter: {{name: a}}}}')}, {REMOVE}",
         ["error .match.listener.filterChain.filter.subFilter"]),
        (f"applyTo: HTTP_FILTER, {chain('{name: a, subFilter: {name: a}}')}, {REMOVE}",
         ["error .match.listener.filterChain.filter.subFilter"]),
        (f"applyTo: HTTP_FILTER, {chain('{name: envoy.http_connection_manager}')}, {REMOVE}",
         ["warning .match.listener.filterChain.filter.name"]),
        (f"applyTo: HTTP_FILTER, match: {{context: WAYPOINT, listener: {{}}}}, {REMOVE}",
         ["error .match"]),
        (f"applyTo: HTTP_FILTER, match: {{waypoint: {{}}}}, {REMOVE}", ["error .match.waypoint"]),
    ],
)  # fmt: skip
def test_patches(patch: str, problems: list[str]) -> None:
    shown = [
        problem.replace("spec.configPatches[0]", "")
        for problem in found("EnvoyFilter", f"{{configPatches: [{{{patch}}}]}}")
    ]
    assert shown == problems
