"""How a policy writes values: exact, `prefix*`, `*suffix`, `*` for anything that is there.

Each builder turns one value into a permission or principal of Envoy's RBAC. A value that makes no
sense raises `BadValue`; what follows from that depends on the policy's action.
"""

import ipaddress
import re
from typing import Any

from lateen.envoy import messages, types

ANYTHING = ".+"
SPIFFE = "spiffe://"
JWT_FILTER = "envoy.filters.http.jwt_authn"
JWT_PAYLOAD = "payload"
PORT_LIMIT = 65535


class BadValue(ValueError):
    """The value cannot be matched, or not on this kind of connection."""


def string_matcher(value: str, *, prefix: str = "", ignore_case: bool = False) -> Any:
    """`prefix` stands before what the value says of the text's beginning."""
    made = types.StringMatcher(ignore_case=ignore_case)
    if value == "*":
        made.ClearField("ignore_case")
        made.safe_regex.regex = ANYTHING
    elif value.startswith("*"):
        if prefix:
            made.safe_regex.regex = f"{prefix}.*{literal(value[1:])}"
        else:
            made.suffix = value[1:]
    elif value.endswith("*"):
        made.prefix = prefix + value[:-1]
    else:
        made.exact = prefix + value
    return made


def literal(text: str) -> str:
    """As a regular expression that matches nothing else (the characters RE2 has to have quoted)."""
    return re.sub(r"[\\.+*?()|\[\]{}^$]", r"\\\g<0>", text)


def regex_matcher(regex: str) -> Any:
    made = types.StringMatcher()
    made.safe_regex.regex = regex
    return made


def quoted(text: str) -> str:
    """As a regular expression in which `*` stands for any text."""
    return ".*".join(map(literal, text.split("*")))


def cidr(value: str) -> Any:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError as wrong:
        raise BadValue(f"not an address or CIDR: {value}") from wrong
    made = types.CidrRange(address_prefix=str(network.network_address))
    made.prefix_len.value = network.prefixlen
    return made


def port(value: str) -> int:
    if not value.isdecimal() or not 0 <= int(value) <= PORT_LIMIT:
        raise BadValue(f"not a port: {value}")
    return int(value)


def header_matcher(name: str, value: str, *, ignore_case: bool = False) -> Any:
    made = types.HeaderMatcher(name=name)
    if value == "*":
        made.present_match = True
    else:
        made.string_match.CopyFrom(string_matcher(value, ignore_case=ignore_case))
    return made


# -- principals --------------------------------------------------------------------------------


def authenticated(matcher: Any) -> Any:
    made = types.Principal()
    made.authenticated.principal_name.CopyFrom(matcher)
    return made


def source_principal(value: str) -> Any:
    return authenticated(string_matcher(value, prefix=SPIFFE))


def source_namespace(value: str) -> Any:
    return authenticated(regex_matcher(f".*/ns/{quoted(value)}/.*"))


def source_service_account(value: str, namespace: str) -> Any:
    """`name` of the policy's namespace, or `namespace/name`."""
    first, slash, second = value.partition("/")
    owner, name = (first, second) if slash else (namespace, value)
    if not owner or not name or "/" in name:
        raise BadValue(f"not a service account: {value}")
    regex = f"spiffe://.+/ns/{literal(owner)}/(.+/|)sa/{literal(name)}(/.+)?"
    return authenticated(regex_matcher(regex))


def source_trust_domain(value: str) -> Any:
    if value == "*":
        return authenticated(types.StringMatcher(prefix=SPIFFE))
    if "*" in value:
        domain = "[^/]*".join(map(literal, value.split("*")))
        return authenticated(regex_matcher(f"{SPIFFE}{domain}/.*"))
    return authenticated(types.StringMatcher(prefix=f"{SPIFFE}{value}/"))


def source_ip(value: str) -> Any:
    """Of the connection's peer."""
    made = types.Principal()
    made.direct_remote_ip.CopyFrom(cidr(value))
    return made


def remote_ip(value: str) -> Any:
    """Of the client, as trusted proxies tell it."""
    made = types.Principal()
    made.remote_ip.CopyFrom(cidr(value))
    return made


def request_header(name: str, value: str) -> Any:
    made = types.Principal()
    made.header.CopyFrom(header_matcher(name, value))
    return made


def request_principal(value: str) -> Any:
    """`issuer/subject`, parted at the last slash; one wildcard may stand at either end."""
    issuer, slash, subject = value.rpartition("/")
    if not slash:
        issuer, subject = value, ""
        if value.startswith("*"):
            issuer, subject = "*", value
        elif value.endswith("*"):
            subject = "*"
    made = types.Principal()
    for claim, wanted in (("iss", issuer), ("sub", subject)):
        part = _claim((claim,))
        part.metadata.value.string_match.CopyFrom(string_matcher(wanted))
        made.and_ids.ids.append(part)
    return made


def claim_has(path: tuple[str, ...], value: str) -> Any:
    """A claim of the verified token that is the value, or a list that holds it."""
    made = _claim(path)
    matcher = string_matcher(value)
    choices = made.metadata.value.or_match.value_matchers
    choices.add().list_match.one_of.string_match.CopyFrom(matcher)
    choices.add().string_match.CopyFrom(matcher)
    return made


def _claim(path: tuple[str, ...]) -> Any:
    made = types.Principal()
    made.metadata.CopyFrom(_metadata(JWT_FILTER, (JWT_PAYLOAD, *path)))
    return made


def _metadata(filter_name: str, path: tuple[str, ...]) -> Any:
    made = types.MetadataMatcher(filter=filter_name)
    for key in path:
        made.path.add(key=key)
    return made


# -- permissions -------------------------------------------------------------------------------


def destination_ip(value: str) -> Any:
    made = types.Permission()
    made.destination_ip.CopyFrom(cidr(value))
    return made


def destination_port(value: str) -> Any:
    return types.Permission(destination_port=port(value))


def host(value: str) -> Any:
    made = types.Permission()
    made.header.CopyFrom(header_matcher(":authority", value, ignore_case=True))
    return made


def method(value: str) -> Any:
    made = types.Permission()
    made.header.CopyFrom(header_matcher(":method", value))
    return made


def path(value: str) -> Any:
    """A path without its query; `{*}` is one segment, `{**}` any number of them."""
    made = types.Permission()
    if "{*}" in value or "{**}" in value:
        template = value.replace("{*}", "*").replace("{**}", "**")
        made.uri_template.name = "uri-template"
        made.uri_template.typed_config.CopyFrom(
            messages.pack(types.UriTemplateMatchConfig(path_template=template))
        )
    else:
        made.url_path.path.CopyFrom(string_matcher(value))
    return made


def server_name(value: str) -> Any:
    made = types.Permission()
    made.requested_server_name.CopyFrom(string_matcher(value))
    return made


def filter_metadata(filter_name: str, key: str, value: str) -> Any:
    """What another filter wrote under its name and key; `[v]` is a member of a list."""
    made = types.Permission()
    made.metadata.CopyFrom(_metadata(filter_name, (key,)))
    if value.startswith("[") and value.endswith("]"):
        matcher = string_matcher(value[1:-1])
        made.metadata.value.list_match.one_of.string_match.CopyFrom(matcher)
    else:
        made.metadata.value.string_match.CopyFrom(string_matcher(value))
    return made
