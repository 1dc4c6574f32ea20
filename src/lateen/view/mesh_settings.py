"""The effective MeshConfig: what users wrote, laid over the defaults.

Scalars and lists replace; messages that are merged by Istio merge here: `defaultConfig` field by
field, `proxyMetadata` by key, `extensionProviders` by name, `trustDomainAliases` as a union.
Unknown fields are left out. A document that cannot be read changes nothing and is reported.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args

import msgspec
import yaml
from msgspec.structs import replace

from lateen.api.duration import Duration
from lateen.api.mesh_config import DEFAULTS, MeshConfig
from lateen.api.mesh_networks import MeshNetworks
from lateen.api.resource import Spec
from lateen.base.problem import Problem

S = TypeVar("S", bound=Spec)

MERGED_MESSAGES = ("defaultConfig",)
MERGED_MAPS = ("proxyMetadata",)


def effective(
    root_namespace: str, layer: MeshConfig | str
) -> tuple[MeshConfig, tuple[Problem, ...]]:
    """`root_namespace` holds unless the layer names another."""
    defaults = replace(DEFAULTS, root_namespace=root_namespace)
    try:
        return _laid_over(defaults, _written(layer)), ()
    except (ValueError, yaml.YAMLError) as trouble:
        return defaults, (_problem("mesh configuration", trouble),)


def networks(written: MeshNetworks | str) -> tuple[MeshNetworks, tuple[Problem, ...]]:
    if isinstance(written, MeshNetworks):
        return written, ()
    try:
        return _convert(_mapping(written), MeshNetworks), ()
    except (ValueError, yaml.YAMLError) as trouble:
        return MeshNetworks(), (_problem("mesh networks", trouble),)


def _written(layer: MeshConfig | str) -> dict[str, Any]:
    """The fields of a layer: of a text those present, of a struct those that differ from zero."""
    if isinstance(layer, str):
        return _mapping(layer)
    blank = MeshConfig()
    plain = _plain(layer)
    return {
        field.encode_name: plain[field.encode_name]
        for field in msgspec.structs.fields(MeshConfig)
        if getattr(layer, field.name) != getattr(blank, field.name)
    }


def _mapping(text: str) -> dict[str, Any]:
    loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ValueError("it must be a mapping of fields")
    return loaded


def _laid_over(config: MeshConfig, written: Mapping[str, Any]) -> MeshConfig:
    plain = _plain(config)
    return _convert(_merged(plain, written), MeshConfig)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for name, value in over.items():
        old = base.get(name)
        if name in MERGED_MESSAGES and isinstance(old, dict) and isinstance(value, dict):
            result[name] = _merged(old, value)
        elif name in MERGED_MAPS and isinstance(old, dict) and isinstance(value, dict):
            result[name] = {**old, **value}
        elif name == "extensionProviders":
            result[name] = _by_name(old or (), value or ())
        elif name == "trustDomainAliases":
            result[name] = list(dict.fromkeys((*(old or ()), *(value or ()))))
        elif value is not None:
            result[name] = value
    _drop_other_members(result, over)
    return result


def _drop_other_members(result: dict[str, Any], over: Mapping[str, Any]) -> None:
    """ProxyConfig's service name is a oneof: writing one member unsets the other."""
    for written, other in (
        ("tracingServiceName", "serviceCluster"),
        ("serviceCluster", "tracingServiceName"),
    ):
        if written in over:
            result.pop(other, None)


def _by_name(old: Iterable[Any], new: Iterable[Any]) -> list[Any]:
    found = {provider.get("name"): provider for provider in old if isinstance(provider, dict)}
    found.update({provider.get("name"): provider for provider in new if isinstance(provider, dict)})
    return list(found.values())


def _plain(value: Any) -> Any:
    """A struct as YAML would have it: only fields that are set, durations as text."""
    if isinstance(value, msgspec.Struct):
        return {
            field.encode_name: _plain(getattr(value, field.name))
            for field in msgspec.structs.fields(type(value))
            if getattr(value, field.name) != field.default or field.required
        }
    if isinstance(value, Duration):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value


def _convert(plain: Any, to: type[S]) -> S:
    return msgspec.convert(_known(plain, to), to, dec_hook=_decode)


def _decode(to: type, value: Any) -> Any:
    if to is Duration:
        return Duration.parse(str(value))
    raise NotImplementedError(to)


def _known(plain: Any, to: Any) -> Any:
    """Without the fields that the type does not have, all the way down."""
    if isinstance(plain, dict) and isinstance(to, type) and issubclass(to, msgspec.Struct):
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(to)}
        return {
            name: _known(value, fields[name]) for name, value in plain.items() if name in fields
        }
    structs = [item for item in _parts(to) if isinstance(item, type)]
    inner = next((item for item in structs if issubclass(item, msgspec.Struct)), None)
    if inner is None:
        return plain
    if isinstance(plain, list):
        return [_known(item, inner) for item in plain]
    if isinstance(plain, dict):
        if any(item is dict or getattr(item, "__origin__", None) is dict for item in _layers(to)):
            return {name: _known(value, inner) for name, value in plain.items()}
        return _known(plain, inner)
    return plain


def _layers(to: Any) -> list[Any]:
    return [to, *(part for part in get_args(to))]


def _parts(to: Any) -> list[Any]:
    """The type and all types inside it: `tuple[X, ...]`, `dict[str, X]`, `X | None`."""
    found = [to]
    for part in get_args(to):
        found += _parts(part)
    return found


def _problem(subject: str, trouble: Exception) -> Problem:
    return Problem(
        code="mesh-config",
        message=f"the {subject} cannot be read: {trouble}",
        hint="the defaults stay in force",
    )
