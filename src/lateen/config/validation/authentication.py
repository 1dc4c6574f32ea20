"""PeerAuthentication and RequestAuthentication."""

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

from lateen.api.peer_authentication import PeerAuthentication
from lateen.api.request_authentication import JWTRule, RequestAuthentication
from lateen.api.resource import Resource
from lateen.config.validation import names
from lateen.config.validation.http import check_duration, strict_header_name_fault
from lateen.config.validation.report import Report
from lateen.config.validation.selectors import check_selector, check_targets
from lateen.jwks.reach import Reach

DRY_RUN = "istio.io/dry-run"
PRIVATE_PARTS = frozenset(("d", "p", "q", "dp", "dq", "qi"))


def check_peer(resource: Resource[PeerAuthentication], report: Report) -> None:
    spec = resource.spec
    if spec.selector is not None and spec.selector.match_labels:
        check_selector(report, "spec.selector", spec.selector)
    if spec.port_level_mtls and (spec.selector is None or not spec.selector.match_labels):
        report.error(
            "spec.portLevelMtls",
            "mtls of single ports needs a selector",
            "set selector.matchLabels",
        )
    for port in spec.port_level_mtls:
        names.check_port(report, f"spec.portLevelMtls[{port}]", port)


def check_request(resource: Resource[RequestAuthentication], report: Report) -> None:
    spec = resource.spec
    if DRY_RUN in resource.meta.annotations:
        report.error(f"metadata.annotations[{DRY_RUN}]", "RequestAuthentication has no dry run")
    check_selector(report, "spec.selector", spec.selector)
    check_targets(
        report,
        selector=spec.selector,
        target_ref=spec.target_ref,
        target_refs=spec.target_refs,
    )
    for index, rule in enumerate(spec.jwt_rules):
        check_rule(report, f"spec.jwtRules[{index}]", rule)


def check_rule(report: Report, path: str, rule: JWTRule) -> None:
    if not rule.issuer and not rule.jwks_uri:
        report.error(path, "issuer or jwksUri must be set")
    for field, values in (
        ("audiences", rule.audiences),
        ("fromParams", rule.from_params),
        ("fromCookies", rule.from_cookies),
        ("spaceDelimitedClaims", rule.space_delimited_claims),
    ):
        for index, value in enumerate(values):
            if not value:
                report.error(f"{path}.{field}[{index}]", "must be at least 1 character long")
    check_keys(report, path, rule)
    for index, header in enumerate(rule.from_headers):
        if not header.name:
            report.error(f"{path}.fromHeaders[{index}].name", "header name must not be empty")
    check_claims(report, path, rule)
    check_duration(report, f"{path}.timeout", rule.timeout)


def check_keys(report: Report, path: str, rule: JWTRule) -> None:
    if rule.jwks_uri and rule.jwks:
        report.error(path, "only one of jwks and jwksUri can be set", "keep one of them")
    if rule.jwks_uri:
        fault = uri_fault(rule.jwks_uri)
        if fault:
            report.error(f"{path}.jwksUri", fault)
        else:
            check_reach(report, f"{path}.jwksUri", rule.jwks_uri)
    if not rule.jwks:
        return
    fault = key_set_fault(rule.jwks)
    if fault:
        report.error(f"{path}.jwks", f"is not a JSON Web Key Set: {fault}")
        return
    for key in keys_of(rule.jwks):
        if PRIVATE_PARTS & key.keys():
            report.warning(
                f"{path}.jwks",
                f'key "{key.get("kid", "")}" contains its private part, which everybody who may '
                "read the policy can use to forge tokens",
                "publish the public part only",
            )


def check_reach(report: Report, path: str, uri: str) -> None:
    """An address that is written out can be judged without asking a resolver."""
    host = urlsplit(uri).hostname or ""
    try:
        refusal = Reach().refusal(host, host)
    except ValueError:  # a name
        refusal = Reach().refusal(host, "127.0.0.1") if host == "localhost" else ""
    if refusal:
        report.warning(
            path,
            f"{host} {refusal}: the control plane does not fetch keys from there",
            "name a server that is elsewhere, or allow it with --jwks-allow",
        )


def uri_fault(uri: str) -> str:
    try:
        parts = urlsplit(uri)
        _ = parts.port  # raises on a port that is no number
    except ValueError as error:
        return f'"{uri}" is not a URL: {error}'
    if parts.scheme not in ("http", "https"):
        return f'"{uri}": url must have scheme http:// or https://'
    if not parts.hostname:
        return f'"{uri}" has no host'
    if any(letter.isspace() or not letter.isprintable() for letter in uri):
        return f"{uri!r} holds a space or a letter that cannot be printed"
    return ""


def key_set_fault(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError as error:
        return str(error)
    if not isinstance(value, dict) or not isinstance(value.get("keys"), list):
        return 'it has no list "keys"'
    for key in value["keys"]:
        if not isinstance(key, dict) or not isinstance(key.get("kty"), str):
            return "a key has no type (kty)"
    return ""


def keys_of(text: str) -> Iterator[dict[str, object]]:
    yield from json.loads(text)["keys"]


def check_claims(report: Report, path: str, rule: JWTRule) -> None:
    if rule.output_payload_to_header:
        fault = strict_header_name_fault(rule.output_payload_to_header)
        if fault:
            report.error(f"{path}.outputPayloadToHeader", fault)
    for index, claim in enumerate(rule.output_claim_to_headers):
        where = f"{path}.outputClaimToHeaders[{index}]"
        fault = strict_header_name_fault(claim.header)
        if fault:
            report.error(f"{where}.header", fault)
        if not claim.claim:
            report.error(f"{where}.claim", "must be at least 1 character long")
