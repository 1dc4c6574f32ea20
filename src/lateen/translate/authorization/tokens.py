"""RequestAuthentication: which tokens a workload accepts (`jwt_authn`).

A request without a token goes on; one with a bad token is refused with 401. What a good token says
is left as metadata, where AuthorizationPolicy finds it. All matching resources combine.

Keys are those in the resource (`jwks`), are fetched by the proxy when `jwksUri` leads to a service
of the mesh, or are those that the control plane has fetched (`view.token_keys`). Where they cannot
be had, no token is good.
"""

import json
from collections.abc import Iterable
from typing import Any

from lateen.api.request_authentication import JWTRule
from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.jwks.document import verifies_anything
from lateen.jwks.settings import Fetcher
from lateen.jwks.source import key_source
from lateen.translate import names
from lateen.translate.authorization.policies import governs
from lateen.translate.authorization.values import JWT_FILTER, JWT_PAYLOAD
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass, ProxyKind
from lateen.view.scope import find_service, outbound_scope
from lateen.view.selection import Labels
from lateen.view.token_keys import destination

DEFAULT_TIMEOUT_SECONDS = 5
CACHE_SECONDS = 300  # of keys that the proxy fetches; Istio's
SPACE_DELIMITED = ("permission", "scope")
# For a filter without keys would not be accepted. The point of P-256 is the first that SHA-256 of
# "lateen: a key that nobody has, N" gives as x, N from 0: nobody can know the private half.
NOBODY = {
    "keys": [
        {
            "kty": "EC",
            "crv": "P-256",
            "alg": "ES256",
            "kid": "nobody",
            "x": "6K_iU4ToDfpJ0a06xV-vs53B_GWVRFMvS6kU50Pq_eE",
            "y": "EJruOmP82AvcxlviHaVXtw8G2EnsNwYVwyg2QKCyR_c",
        }
    ]
}


@derived
def rules(mesh: Mesh, namespace: str, labels: Labels) -> tuple[JWTRule, ...]:
    """Of all resources that govern the workload, by issuer."""
    found: list[JWTRule] = []
    for owner in dict.fromkeys((mesh.root_namespace, namespace)):
        for resource in mesh.of_kind("RequestAuthentication", owner):
            if governs(resource, namespace, labels):
                found += resource.spec.jwt_rules
    return tuple(sorted(found, key=lambda rule: rule.issuer))


def http_filter(mesh: Mesh, proxy_class: ProxyClass) -> Any | None:
    """None: the workload knows no tokens."""
    found = rules(mesh, proxy_class.namespace, proxy_class.labels)
    if not found:
        return None
    config = types.JwtAuthentication(bypass_cors_preflight=True)
    for index, rule in enumerate(found):
        config.providers[_name(index)].CopyFrom(_provider(mesh, proxy_class, rule))
    match = config.rules.add()
    match.match.prefix = "/"
    match.requires.CopyFrom(_requirement(len(found)))
    made = types.HttpFilter(name=JWT_FILTER)
    made.typed_config.CopyFrom(messages.pack(config))
    return made


def _name(index: int) -> str:
    return f"origins-{index}"


def _requirement(count: int) -> Any:
    """Any good token, or none; with several issuers, no bad one of any of them."""
    made = types.JwtRequirement()
    choices = made.requires_any.requirements
    if count == 1:
        _add_optional(choices, 0)
        return made
    for index in range(count):
        choices.add(provider_name=_name(index))
    every = choices.add().requires_all.requirements
    for index in range(count):
        _add_optional(every.add().requires_any.requirements, index)
    return made


def _add_optional(choices: Any, index: int) -> None:
    choices.add(provider_name=_name(index))
    choices.add().allow_missing.SetInParent()


def _provider(mesh: Mesh, proxy_class: ProxyClass, rule: JWTRule) -> Any:
    made = types.JwtProvider(
        issuer=rule.issuer,
        audiences=rule.audiences,
        forward=rule.forward_original_token,
        forward_payload_header=rule.output_payload_to_header,
        payload_in_metadata=JWT_PAYLOAD,
        clear_route_cache=proxy_class.kind is ProxyKind.ROUTER,
    )
    for header in rule.from_headers:
        made.from_headers.add(name=header.name, value_prefix=header.prefix)
    made.from_params.extend(rule.from_params)
    made.from_cookies.extend(rule.from_cookies)
    for output in rule.output_claim_to_headers:
        made.claim_to_headers.add(header_name=output.header, claim_name=output.claim)
    made.normalize_payload_in_metadata.space_delimited_claims.extend(
        space_delimited(rule.space_delimited_claims)
    )
    _set_keys(made, mesh, proxy_class, rule)
    return made


def space_delimited(named: Iterable[str]) -> tuple[str, ...]:
    """Claims of which each word is one value."""
    return tuple(sorted({*SPACE_DELIMITED, *named}))


def _set_keys(provider: Any, mesh: Mesh, proxy_class: ProxyClass, rule: JWTRule) -> None:
    cluster = "" if rule.jwks else _cluster(mesh, proxy_class, rule.jwks_uri)
    if not cluster:
        keys = rule.jwks or mesh.token_keys(key_source(rule.jwks_uri, rule.issuer))
        usable = keys if verifies_anything(keys) else json.dumps(NOBODY)
        provider.local_jwks.inline_string = usable
        return
    source = provider.remote_jwks
    source.http_uri.uri = rule.jwks_uri
    source.http_uri.cluster = cluster
    timeout = messages.seconds(DEFAULT_TIMEOUT_SECONDS)
    if rule.timeout:
        timeout = messages.duration(rule.timeout)
    source.http_uri.timeout.CopyFrom(timeout)
    source.cache_duration.CopyFrom(messages.seconds(CACHE_SECONDS))
    source.async_fetch.SetInParent()


def _cluster(mesh: Mesh, proxy_class: ProxyClass, uri: str) -> str:
    """The cluster by which the proxy fetches what a URI names; empty: it does not."""
    if mesh.settings.key_fetcher is Fetcher.CONTROL:
        return ""
    host, port = destination(uri)
    service = find_service(mesh, outbound_scope(mesh, proxy_class), host)
    if service is None or service.port(port) is None:
        return ""
    return names.outbound_cluster(port, "", service.hostname)
