"""The registry of kinds, and what all resource types have in common."""

from collections.abc import Iterator

import msgspec
import pytest
from msgspec import inspect

from lateen.api import kinds
from lateen.api.destination_rule import OutlierDetection
from lateen.api.kinds import Kind
from lateen.api.mesh_config import MeshConfig
from lateen.api.resource import OpenSpec, Spec


def types_below(cls: type, seen: set[type]) -> Iterator[type[Spec]]:
    if cls in seen:
        return
    seen.add(cls)
    yield cls
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        pending = [field.type]
        while pending:
            kind = pending.pop()
            match kind:
                case inspect.StructType():
                    yield from types_below(kind.cls, seen)
                case inspect.UnionType():
                    pending += kind.types
                case inspect.VarTupleType():
                    pending.append(kind.item_type)
                case inspect.DictType():
                    pending.append(kind.value_type)


ALL_TYPES = [cls for seen in [set()] for kind in kinds.ALL for cls in types_below(kind.spec, seen)]


@pytest.mark.parametrize("kind", kinds.ALL, ids=lambda kind: f"{kind.group}-{kind.kind}")
def test_every_kind_can_be_decoded_from_nothing(kind: Kind) -> None:
    assert msgspec.convert({}, kind.spec) == kind.spec()


@pytest.mark.parametrize("cls", ALL_TYPES, ids=lambda cls: cls.__name__)
def test_every_field_has_a_default_and_every_oneof_names_fields(cls: type[Spec]) -> None:
    cls()
    fields = set(cls.__struct_fields__)
    for group in cls.ONEOFS:
        assert set(group) <= fields
        assert all(getattr(cls(), name) is None for name in group)
    assert set(cls.NOT_EMPTY) <= fields


def test_istio_types_know_all_their_fields_and_kubernetes_types_do_not() -> None:
    for kind in kinds.ISTIO:
        assert not issubclass(kind.spec, OpenSpec)
    for kind in kinds.KUBERNETES:
        assert issubclass(kind.spec, OpenSpec)


def test_a_group_has_a_kind_once_and_keys_tell_all_kinds_apart() -> None:
    assert len(kinds.BY_GROUP_KIND) == len(kinds.ALL)
    assert len({kind.in_key for kind in kinds.ALL}) == len(kinds.ALL)


def test_a_kind_is_found_whatever_the_version() -> None:
    for version in ("v1", "v1beta1", "v1alpha3"):
        kind = kinds.find_kind(f"networking.istio.io/{version}", "Gateway")
        assert kind is not None
        assert kind.in_key == "Gateway"
    other = kinds.find_kind("gateway.networking.k8s.io/v1", "Gateway")
    assert other is not None
    assert other.in_key != "Gateway"
    assert kinds.find_kind("v1", "Gateway") is None


def test_names_that_no_rule_gives_are_those_of_the_api() -> None:
    assert "consecutive5xxErrors" in OutlierDetection.__struct_encode_fields__
    assert "meshMTLS" in MeshConfig.__struct_encode_fields__
