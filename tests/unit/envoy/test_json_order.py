"""Equal messages are shown in equal words."""

import json

from lateen.envoy import messages, types


def cluster(names: list[str]) -> types.Cluster:
    made = types.Cluster(name="c")
    for name in names:
        made.metadata.filter_metadata[name].update({key: {key: [{key: 1}]} for key in names})
        made.typed_extension_protocol_options[name].CopyFrom(messages.pack(types.Router()))
    made.connect_timeout.seconds = 1
    return made


def test_maps_and_structs_are_in_the_order_of_their_keys() -> None:
    names = [f"name-{number}" for number in range(20)]

    shown = messages.to_json(cluster(names))

    options = shown["typed_extension_protocol_options"]
    assert list(options) == sorted(names)
    assert all(
        list(each) == sorted(names) for each in shown["metadata"]["filter_metadata"].values()
    )
    assert json.dumps(shown) == json.dumps(messages.to_json(cluster(names[::-1])))


def test_fields_keep_their_order_and_values() -> None:
    made = cluster(["b", "a"])

    shown = messages.to_json(made)

    assert list(shown)[:2] == ["name", "connect_timeout"]
    assert messages.from_json(shown, made.DESCRIPTOR.full_name) == made


def test_what_an_any_holds_is_ordered_too() -> None:
    route = types.RouteConfiguration(name="r")
    per_filter = route.virtual_hosts.add(name="v", domains=["*"]).typed_per_filter_config
    inner = cluster([f"name-{number}" for number in range(20)])
    per_filter["x"].CopyFrom(messages.pack(inner))

    shown = messages.to_json(route)["virtual_hosts"][0]["typed_per_filter_config"]["x"]

    assert {**shown, "@type": ""} == {**messages.to_json(inner), "@type": ""}
    assert list(shown["metadata"]["filter_metadata"]) == sorted(inner.metadata.filter_metadata)
