"""Which keys the control plane fetches."""

import pytest

from lateen.api.resource import Change
from lateen.config import documents
from lateen.jwks.settings import Fetcher
from lateen.jwks.source import KeySource
from lateen.view.mesh import Mesh, Settings
from lateen.view.token_keys import (
    MOST_SOURCES,
    crowded,
    destination,
    key_sources,
    unreachable,
)

INSIDE, OUTSIDE = "http://keys.shop.svc.cluster.local:8000/k", "https://keys.example.com/k"
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: keys, namespace: shop}
spec: {clusterIP: 10.0.0.5, ports: [{name: http, port: 8000}]}
---
"""


def mesh_of(*rules: str, fetcher: Fetcher = Fetcher.HYBRID) -> Mesh:
    text = f"""{SERVICE}
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {{name: tokens, namespace: shop}}
spec: {{jwtRules: [{", ".join(rules)}]}}
"""
    mesh = Mesh(Settings(key_fetcher=fetcher))
    mesh.apply(Change(each.key, each) for each in documents.read(text, "t.yaml").resources)
    return mesh


def rule(issuer: str, uri: str = "", more: str = "") -> str:
    return f'{{issuer: "{issuer}"{f", jwksUri: {uri!r}" if uri else ""}{more}}}'


@pytest.mark.parametrize(
    ("fetcher", "fetched"),
    [
        (Fetcher.HYBRID, [OUTSIDE]),
        (Fetcher.CONTROL, [INSIDE, OUTSIDE]),
        (Fetcher.PROXY, []),
    ],
)
def test_the_fetcher_says_whose_uris_are_ours(fetcher: Fetcher, fetched: list[str]) -> None:
    mesh = mesh_of(rule("a", INSIDE), rule("b", OUTSIDE), fetcher=fetcher)

    assert [source.uri for source, _ in key_sources(mesh)] == fetched


def test_an_issuer_without_uri_is_asked_for_it() -> None:
    assert key_sources(mesh_of(rule("https://i"))) == ((KeySource("", "https://i"), 5.0),)


def test_keys_in_the_rule_are_not_fetched() -> None:
    assert key_sources(mesh_of(rule("a", more=", jwks: '{\"keys\":[]}'"))) == ()


def test_rules_that_share_a_uri_share_its_keys_and_the_longest_time() -> None:
    quick, slow = (rule(i, OUTSIDE, f", timeout: {t}") for i, t in (("a", "1s"), ("b", "9s")))

    assert key_sources(mesh_of(quick, slow)) == ((KeySource(OUTSIDE), 9.0),)


def test_what_proxies_cannot_fetch_is_told() -> None:
    only_proxies = mesh_of(rule("a", INSIDE), rule("b", OUTSIDE), fetcher=Fetcher.PROXY)

    assert [use.path for use in unreachable(only_proxies)] == ["spec.jwtRules[1].jwksUri"]
    assert unreachable(mesh_of(rule("b", OUTSIDE))) == ()


def test_a_namespace_has_a_limit_of_its_own() -> None:
    mesh = mesh_of(
        *(rule(str(n), f"https://keys.example.com/{n}") for n in range(MOST_SOURCES + 2))
    )

    assert len(key_sources(mesh)) == MOST_SOURCES
    assert [use.index for use in crowded(mesh)] == [MOST_SOURCES, MOST_SOURCES + 1]


def test_a_uri_leads_to_a_port() -> None:
    assert destination("https://a/k") == ("a", 443)
    assert destination("http://a:8/k") == ("a", 8)
    assert destination("http://a:port/") == ("", 0)
