"""What AuthorizationPolicy means, written down a second time and plainly.

Shares nothing with the translation: it reads the policies as YAML has them and decides about a
request as Istio's documentation says. Slow and simple; its value is that it is obvious.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

Policy = dict[str, Any]
HTTP_FIELDS = ("requestPrincipals", "hosts", "methods", "paths")
HTTP_KEYS = ("request.",)
HEADER = "request.headers["
CLAIM = "request.auth.claims"


@dataclass(frozen=True)
class Request:
    """A request, or a connection when `is_tcp`. `principal` is `domain/ns/N/sa/S`, or empty."""

    principal: str = ""
    peer: str = "127.0.0.1"
    forwarded: str = ""  # the client that a trusted proxy names; empty: the peer is the client
    sni: str = ""
    host: str = "app.example.com"
    method: str = "GET"
    path: str = "/"
    headers: dict[str, str] = field(default_factory=dict)
    claims: dict[str, Any] | None = None
    token: str = ""
    is_tcp: bool = False


@dataclass(frozen=True)
class World:
    """What policies are judged in: the mesh's trust domains, its own first, and the server."""

    domains: tuple[str, ...]
    namespace: str
    address: str
    port: int


def is_allowed(policies: Iterable[Policy], request: Request, world: World) -> bool:
    """Dry runs and audits decide nothing."""
    by_action: dict[str, list[Policy]] = {"ALLOW": [], "DENY": [], "AUDIT": []}
    for policy in policies:
        if policy["metadata"].get("annotations", {}).get("istio.io/dry-run") == "true":
            continue
        by_action[policy["spec"].get("action", "ALLOW")].append(policy["spec"])
    if any(_holds(spec, request, world, is_allow=False) for spec in by_action["DENY"]):
        return False
    allowing = by_action["ALLOW"]
    return not allowing or any(_holds(spec, request, world, is_allow=True) for spec in allowing)


def _holds(spec: dict[str, Any], request: Request, world: World, *, is_allow: bool) -> bool:
    return any(
        _rule_holds(_on_tcp(rule, is_allow=is_allow) if request.is_tcp else rule, request, world)
        for rule in spec.get("rules", ())
        if not (request.is_tcp and is_allow and _needs_http(rule))
    )


def _rule_holds(rule: dict[str, Any], request: Request, world: World) -> bool:
    sources = [entry["source"] for entry in rule.get("from", ())]
    operations = [entry["operation"] for entry in rule.get("to", ())]
    return (
        (not sources or any(_entry_holds(each, request, world) for each in sources))
        and (not operations or any(_entry_holds(each, request, world) for each in operations))
        and all(_condition_holds(each, request, world) for each in rule.get("when", ()))
    )


def _entry_holds(entry: dict[str, Any], request: Request, world: World) -> bool:
    for name, values in entry.items():
        is_negative = name.startswith("not")
        plain = name[3].lower() + name[4:] if is_negative else name
        found = any(_field_matches(plain, value, request, world) for value in values)
        if found is is_negative:
            return False
    return True


def _condition_holds(condition: dict[str, Any], request: Request, world: World) -> bool:
    def found(values: list[str]) -> bool:
        return any(_key_matches(condition["key"], value, request, world) for value in values)

    wanted, unwanted = condition.get("values"), condition.get("notValues")
    return (not wanted or found(wanted)) and not (unwanted and found(unwanted))


# -- TCP: what only HTTP has cannot be judged ---------------------------------------------------


def _needs_http(rule: dict[str, Any]) -> bool:
    names = [name for entry in _entries(rule) for name in entry]
    return any(_is_http(name) for name in names) or any(
        condition["key"].startswith(HTTP_KEYS) for condition in rule.get("when", ())
    )


def _on_tcp(rule: dict[str, Any], *, is_allow: bool) -> dict[str, Any]:
    """Without the HTTP fields: a rule that denies goes by the rest."""
    if is_allow:
        return rule
    made: dict[str, Any] = {}
    for part, inner in (("from", "source"), ("to", "operation")):
        if part in rule:
            made[part] = [
                {inner: {name: value for name, value in entry[inner].items() if not _is_http(name)}}
                for entry in rule[part]
            ]
    conditions = rule.get("when", ())
    made["when"] = [each for each in conditions if not each["key"].startswith(HTTP_KEYS)]
    return made


def _entries(rule: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (entry["source"] for entry in rule.get("from", ()))
    yield from (entry["operation"] for entry in rule.get("to", ()))


def _is_http(name: str) -> bool:
    plain = name[3].lower() + name[4:] if name.startswith("not") else name
    return plain in HTTP_FIELDS


# -- fields and keys ---------------------------------------------------------------------------


def _field_matches(name: str, value: str, request: Request, world: World) -> bool:
    domain, namespace, account = _identity(request)
    match name:
        case "principals":
            return _principal_matches(value, request, world)
        case "namespaces":
            return _text_matches(value, namespace)
        case "serviceAccounts":
            owner, slash, own = value.rpartition("/")
            return (namespace, account) == (owner if slash else world.namespace, own)
        case "trustDomains":
            return _text_matches(value, domain)
        case "ipBlocks":
            return _is_in(value, request.peer)
        case "remoteIpBlocks":
            return _is_in(value, request.forwarded or request.peer)
        case "requestPrincipals":
            return _text_matches(value, _request_principal(request))
        case "hosts":
            return _text_matches(value.lower(), request.host.lower())
        case "methods":
            return _text_matches(value, request.method)
        case "paths":
            return _path_matches(value, request.path.partition("?")[0])
        case "ports":
            return int(value) == world.port
    raise AssertionError(name)


SAME_AS_FIELD = {
    "source.principal": "principals",
    "source.namespace": "namespaces",
    "source.serviceAccount": "serviceAccounts",
    "source.trustDomain": "trustDomains",
    "source.ip": "ipBlocks",
    "remote.ip": "remoteIpBlocks",
    "request.auth.principal": "requestPrincipals",
    "destination.port": "ports",
}


def _key_matches(key: str, value: str, request: Request, world: World) -> bool:
    if key in SAME_AS_FIELD:
        return _field_matches(SAME_AS_FIELD[key], value, request, world)
    if key == "destination.ip":
        return _is_in(value, world.address)
    if key == "connection.sni":
        return _text_matches(value, request.sni)
    if key.startswith(HEADER):
        found = request.headers.get(key.removeprefix(HEADER).removesuffix("]"))
        return found is not None and (value == "*" or _text_matches(value, found))
    path = {"request.auth.audiences": ["aud"], "request.auth.presenter": ["azp"]}.get(key)
    claim: Any = request.claims
    for name in path or re.findall(r"\[([^\]]+)\]", key.removeprefix(CLAIM)):
        claim = claim.get(name) if isinstance(claim, dict) else None
    held = claim if isinstance(claim, list) else [claim]
    return any(isinstance(each, str) and _text_matches(value, each) for each in held)


def _text_matches(pattern: str, text: str) -> bool:
    """`*` alone: anything but nothing."""
    if pattern == "*":
        return bool(text)
    if not text:
        return False
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    if pattern.endswith("*"):
        return text.startswith(pattern[:-1])
    return text == pattern


def _principal_matches(value: str, request: Request, world: World) -> bool:
    """A principal of one of our trust domains holds for all of them."""
    if _text_matches(value, request.principal):
        return True
    domain, slash, rest = value.partition("/")
    own = (*world.domains, "cluster.local")
    if not slash or value.count("/") != 4 or "*" in domain or domain not in own:
        return False
    return any(_text_matches(f"{name}/{rest}", request.principal) for name in world.domains)


def _path_matches(pattern: str, path: str) -> bool:
    if "{" not in pattern:
        return _text_matches(pattern, path)
    parts = (
        "[^/]+" if part == "{*}" else ".*" if part == "{**}" else re.escape(part)
        for part in pattern.split("/")
    )
    return re.fullmatch("/".join(parts), path) is not None


def _identity(request: Request) -> tuple[str, str, str]:
    parts = request.principal.split("/")
    return (parts[0], parts[2], parts[4]) if len(parts) == 5 else ("", "", "")


def _request_principal(request: Request) -> str:
    claims = request.claims
    return f"{claims['iss']}/{claims['sub']}" if claims else ""


def _is_in(block: str, address: str) -> bool:
    return ip_address(address) in ip_network(block)
