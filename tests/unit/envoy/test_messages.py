import pytest

from lateen.envoy import messages, schema, types


def test_a_packed_message_comes_back_as_it_was() -> None:
    cluster = types.Cluster(name="a")
    cluster.connect_timeout.CopyFrom(messages.duration(1_500_000_000))

    assert messages.unpack(messages.pack(cluster)) == cluster


def test_durations_keep_their_nanoseconds() -> None:
    assert messages.to_json(messages.pack(messages.duration(1_500_000_001)))["value"] == (
        "1.500000001s"
    )
    assert messages.duration(-500_000_000).nanos == -500_000_000


def test_json_has_the_names_of_the_proto_and_opens_any() -> None:
    cluster = types.Cluster(name="a")
    cluster.typed_extension_protocol_options["x"].CopyFrom(messages.pack(types.Router()))

    shown = messages.to_json(cluster)

    assert shown["typed_extension_protocol_options"]["x"]["@type"].endswith("router.v3.Router")
    assert messages.from_json(shown, "envoy.config.cluster.v3.Cluster") == cluster


def test_a_struct_holds_every_plain_value() -> None:
    value = {"a": [1, {"b": None}], "c": True, "d": "x"}

    assert messages.to_json(messages.struct(value)) == {
        "a": [1.0, {"b": None}], "c": True, "d": "x",
    }  # fmt: skip


def test_what_is_not_the_message_is_refused_with_its_name() -> None:
    with pytest.raises(schema.SchemaError, match=r"envoy\.config\.cluster"):
        messages.from_json({"name": 5}, "envoy.config.cluster.v3.Cluster")


def test_every_short_name_is_known_to_the_installed_envoy() -> None:
    for name in types.FULL_NAMES:
        assert getattr(types, name)().DESCRIPTOR.full_name == types.FULL_NAMES[name]
