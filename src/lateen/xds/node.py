"""Reads the parts of Envoy's Node message."""

from typing import Any

from lateen.catalog.service import Locality


def metadata(node: Any) -> dict[str, Any]:
    """The node's metadata as plain values; whole numbers become int."""
    return _struct(node.metadata)


def locality(node: Any) -> Locality:
    place = node.locality
    return Locality(region=place.region, zone=place.zone, subzone=place.sub_zone)


def _struct(struct: Any) -> dict[str, Any]:
    return {key: _value(value) for key, value in struct.fields.items()}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return value.string_value
    if kind == "struct_value":
        return _struct(value.struct_value)
    if kind == "list_value":
        return [_value(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return value.bool_value if kind == "bool_value" else None
