"""Are the values of an EnvoyFilter's patches what Envoy's own types allow.

Here and not in `config.validation`, which knows nothing of Envoy. A part of a message may be
patched, so only what is there is looked at: unknown fields, wrong types, unknown extensions.
"""

import re
from typing import Any

from google.protobuf import json_format

from lateen.api.duration import Duration
from lateen.api.envoy_filter import ApplyTo, EnvoyConfigObjectPatch
from lateen.api.resource import Resource
from lateen.base.problem import Problem, Severity
from lateen.envoy import schema
from lateen.translate.envoy_filter import extensions

MESSAGES = {
    ApplyTo.LISTENER: "envoy.config.listener.v3.Listener",
    ApplyTo.FILTER_CHAIN: "envoy.config.listener.v3.FilterChain",
    ApplyTo.NETWORK_FILTER: "envoy.config.listener.v3.Filter",
    ApplyTo.LISTENER_FILTER: "envoy.config.listener.v3.ListenerFilter",
    ApplyTo.HTTP_FILTER: "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter",
    ApplyTo.ROUTE_CONFIGURATION: "envoy.config.route.v3.RouteConfiguration",
    ApplyTo.VIRTUAL_HOST: "envoy.config.route.v3.VirtualHost",
    ApplyTo.HTTP_ROUTE: "envoy.config.route.v3.Route",
    ApplyTo.CLUSTER: "envoy.config.cluster.v3.Cluster",
    ApplyTo.EXTENSION_CONFIG: "envoy.config.core.v3.TypedExtensionConfig",
    ApplyTo.BOOTSTRAP: "envoy.config.bootstrap.v3.Bootstrap",
}
DURATION = re.compile(r"-?[0-9.]+(?:ns|us|ms|m|h)(?:[0-9.]+[a-z]+)*")
OLD_VERSION = re.compile(r"\.v[12](?:alpha|beta)?\d*\.")
TYPE_URL = re.compile(r"type\.googleapis\.com/([\w.]+)")
FOREIGN = re.compile(r"type\.googleapis\.com/(?:istio|wasm|stats|stackdriver)\b", re.IGNORECASE)


def check_patch_values(resource: Resource[Any]) -> tuple[Problem, ...]:
    if resource.kind != "EnvoyFilter":
        return ()
    problems: list[Problem] = []
    for index, patch in enumerate(resource.spec.config_patches):
        path = f"spec.configPatches[{index}].patch.value"
        problems += patch_problems(path, patch)
    return tuple(problems)


def patch_problems(path: str, patch: EnvoyConfigObjectPatch) -> list[Problem]:
    name = MESSAGES.get(patch.apply_to)
    value = patch.patch.value if patch.patch is not None else None
    if name is None or value is None:
        return []
    try:
        json_format.ParseDict(
            in_protobuf_notation(value), schema.message(name)(), descriptor_pool=schema.pool()
        )
    except json_format.ParseError as error:
        return [verdict(path, str(error))]
    except (
        ArithmeticError,
        AttributeError,
        TypeError,
        ValueError,
    ) as error:  # what the reader does not expect
        return [verdict(path, f"is not a {name}: {error}")]
    return []


def verdict(path: str, message: str) -> Problem:
    """An extension that Envoy does not have may come from a build with more in it."""
    unknown_type = "Can not find message descriptor" in message
    if not unknown_type:
        return Problem(code="patch", message=message, path=path)
    return Problem(
        code="patch",
        message=f"referenced type unknown: {message}",
        severity=Severity.WARNING if FOREIGN.search(message) else Severity.ERROR,
        path=path,
        hint=hint_for(message),
    )


def hint_for(message: str) -> str:
    """What to write instead of an extension that only Istio's proxy has, or of an old one."""
    named = TYPE_URL.search(message)
    instead = extensions.replacement(named[1]) if named is not None else ""
    return instead or ("use Envoy's v3 API" if OLD_VERSION.search(message) else "")


def in_protobuf_notation(value: Any) -> Any:
    """Durations as `500ms` too, which protobuf's JSON writes `0.5s`."""
    if isinstance(value, dict):
        return {key: in_protobuf_notation(item) for key, item in value.items()}
    if isinstance(value, list):
        return [in_protobuf_notation(item) for item in value]
    if isinstance(value, str) and DURATION.fullmatch(value):
        try:
            return str(Duration.parse(value))
        except ValueError:
            return value
    return value
