"""Takes what is secret out of messages that people will read.

Envoy marks such fields in its own descriptors (`udpa.annotations.sensitive`); everything in a
marked field reads `[redacted]`, as in Envoy's own /config_dump. Envoy does not mark the keys of
tokens, which are public as a rule; shared secrets and private parts among them are hidden too.
"""

import base64
import json
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from lateen.envoy import schema

SHOWN = "[redacted]"
SHOWN_BYTES = base64.b64encode(SHOWN.encode()).decode()
SENSITIVE = b"\xb8\xb7\x8b\xa4\x02\x01"  # udpa.annotations.sensitive (field 76569463) is true
ANY_TYPE = "@type"
JWT_PROVIDER = "envoy.extensions.filters.http.jwt_authn.v3.JwtProvider"
SECRET_PARTS = frozenset(("k", "d", "p", "q", "dp", "dq", "qi", "oth"))  # RFC 7518, section 6


def redacted(document: dict[str, Any], full_name: str) -> dict[str, Any]:
    """A copy of what `messages.to_json` made of a message of that name."""
    return _message(document, schema.message(full_name).DESCRIPTOR)


def _message(document: dict[str, Any], descriptor: Any) -> dict[str, Any]:
    fields = descriptor.fields_by_name
    if descriptor.full_name == JWT_PROVIDER and "local_jwks" in document:
        document = document | {"local_jwks": _key_set(document["local_jwks"])}
    return {
        name: _field(value, fields[name]) if name in fields else value
        for name, value in document.items()
    }


def _key_set(source: dict[str, Any]) -> dict[str, Any]:
    text = source.get("inline_string", "")
    try:
        keys = json.loads(text)["keys"]
        hidden = [{name: _part(name, part) for name, part in key.items()} for key in keys]
    except (ValueError, LookupError, TypeError, AttributeError):
        return dict.fromkeys(source, SHOWN)
    return source if hidden == keys else source | {"inline_string": json.dumps({"keys": hidden})}


def _part(name: str, part: Any) -> Any:
    return SHOWN if name in SECRET_PARTS else part


def _field(value: Any, field: FieldDescriptor) -> Any:
    if SENSITIVE in field.GetOptions().SerializeToString():
        return _hidden(value, is_bytes=field.type == field.TYPE_BYTES)
    if field.message_type is None:
        return value
    if field.message_type.GetOptions().map_entry:
        content = field.message_type.fields_by_name["value"]
        return {key: _field(item, content) for key, item in value.items()}
    if isinstance(value, list):
        return [_one(item, field.message_type) for item in value]
    return _one(value, field.message_type)


def _one(value: Any, descriptor: Any) -> Any:
    """Messages with a JSON form of their own (durations, structs) hold nothing that is marked."""
    if not isinstance(value, dict):
        return value
    if descriptor.full_name == "google.protobuf.Any":
        kind = value.get(ANY_TYPE, "").rpartition("/")[2]
        return {ANY_TYPE: value.get(ANY_TYPE), **redacted(_without_type(value), kind)}
    return _message(value, descriptor)


def _without_type(value: dict[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name != ANY_TYPE}


def _hidden(value: Any, *, is_bytes: bool) -> Any:
    if isinstance(value, list):
        return [_hidden(item, is_bytes=is_bytes) for item in value]
    if isinstance(value, dict):
        return {
            name: item if name == ANY_TYPE else _hidden(item, is_bytes=name == "inline_bytes")
            for name, item in value.items()
        }
    return SHOWN_BYTES if is_bytes else SHOWN
