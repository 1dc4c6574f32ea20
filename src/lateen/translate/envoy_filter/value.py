"""The value of a patch, from the document's plain tree to Envoy's own message.

TypedStruct (of either package, `udpa` or `xds`) becomes the message that it describes, so that a
mistake in it is found here and not by the proxy, which would refuse the whole resource. Names are
accepted as proto JSON has them: `typed_config` or `typedConfig`.
"""

from typing import Any

from google.protobuf import json_format

from lateen.api.envoy_filter import ApplyTo
from lateen.envoy import schema, types
from lateen.envoy.messages import TYPE_PREFIX
from lateen.translate.envoy_filter import extensions
from lateen.translate.envoy_filter.fault import PatchFault

FULL_NAMES = {
    ApplyTo.LISTENER: types.FULL_NAMES["Listener"],
    ApplyTo.LISTENER_FILTER: types.FULL_NAMES["ListenerFilter"],
    ApplyTo.FILTER_CHAIN: types.FULL_NAMES["FilterChain"],
    ApplyTo.NETWORK_FILTER: types.FULL_NAMES["Filter"],
    ApplyTo.HTTP_FILTER: types.FULL_NAMES["HttpFilter"],
    ApplyTo.ROUTE_CONFIGURATION: types.FULL_NAMES["RouteConfiguration"],
    ApplyTo.VIRTUAL_HOST: types.FULL_NAMES["VirtualHost"],
    ApplyTo.HTTP_ROUTE: types.FULL_NAMES["Route"],
    ApplyTo.CLUSTER: types.FULL_NAMES["Cluster"],
    ApplyTo.EXTENSION_CONFIG: types.FULL_NAMES["TypedExtensionConfig"],
    ApplyTo.BOOTSTRAP: types.FULL_NAMES["Bootstrap"],
}
TYPED_STRUCTS = ("udpa.type.v1.TypedStruct", "xds.type.v3.TypedStruct")
PLAIN = "google.protobuf."  # its messages keep their JSON form below `value`


def decoded(apply_to: ApplyTo, tree: dict[str, Any]) -> Any:
    """The message; `PatchFault` when it is none that this Envoy knows."""
    _require_stock(tree)
    message = schema.message(FULL_NAMES[apply_to])()
    try:
        json_format.ParseDict(_plain(tree), message, descriptor_pool=schema.pool())
    except (json_format.ParseError, TypeError, ValueError) as wrong:
        raise PatchFault(f"not a {FULL_NAMES[apply_to]}: {_words(wrong)}") from wrong
    return message


def _words(wrong: Exception) -> str:
    return " ".join(str(wrong).split())


def _plain(tree: Any) -> Any:
    """The tree with each TypedStruct written as an Any of the type that it describes."""
    if isinstance(tree, list | tuple):
        return [_plain(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    written = tree.get("@type")
    if not isinstance(written, str):
        return {str(key): _plain(item) for key, item in tree.items()}
    name = written.rpartition("/")[2]
    fields = {str(key): item for key, item in tree.items() if key != "@type"}
    if name in TYPED_STRUCTS:
        inner = str(fields.get("type_url") or fields.get("typeUrl") or "")
        return _any(inner.rpartition("/")[2], fields.get("value") or {})
    if name.startswith(PLAIN):
        _require_known(name)
        return {"@type": TYPE_PREFIX + name, **fields}
    return _any(name, fields)


def _any(name: str, fields: Any) -> dict[str, Any]:
    _require_known(name)
    if name.startswith(PLAIN):
        return {"@type": TYPE_PREFIX + name, "value": fields}
    return {"@type": TYPE_PREFIX + name, **_plain(fields)}


def _require_known(name: str) -> None:
    hint = extensions.replacement(name)
    if not name:
        raise PatchFault("a TypedStruct without type_url", "name the type of the configuration")
    try:
        schema.message(name)
    except schema.SchemaError as unknown:
        if not hint and ".v2" in name:
            hint = "write the type of Envoy's v3 API"
        raise PatchFault(f"this Envoy knows no message {name}", hint) from unknown


def _require_stock(tree: Any) -> None:
    """No name, plugin or runtime that only Istio's proxy has."""
    if isinstance(tree, list | tuple):
        for item in tree:
            _require_stock(item)
    if not isinstance(tree, dict):
        return
    name = tree.get("name")
    hint = extensions.replacement(name) if isinstance(name, str) else ""
    if hint:
        raise PatchFault(f"{name} is not in the stock Envoy", hint)
    _require_runtime(tree)
    for item in tree.values():
        _require_stock(item)


def _require_runtime(tree: dict[str, Any]) -> None:
    runtime = tree.get("runtime")
    is_runtime = isinstance(runtime, str) and runtime.startswith("envoy.wasm.runtime.")
    if is_runtime and runtime not in extensions.RUNTIMES:
        raise PatchFault(f"{runtime} is not in the stock Envoy", "use envoy.wasm.runtime.v8")
    for key in ("inline_string", "inlineString"):
        plugin = tree.get(key)
        if isinstance(plugin, str) and plugin in extensions.BUILT_IN_PLUGINS:
            hint = extensions.BUILT_IN_PLUGINS[plugin]
            raise PatchFault(f"{plugin} is not in the stock Envoy", hint)
