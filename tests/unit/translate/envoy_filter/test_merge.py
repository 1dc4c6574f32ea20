"""MERGE of messages."""

import pytest

from lateen.envoy import messages, types
from lateen.translate.envoy_filter.fault import PatchFault
from lateen.translate.envoy_filter.merge import merge, merge_any


def test_a_duration_replaces_the_whole_of_another() -> None:
    target = types.Cluster(connect_timeout=messages.seconds(1.5))

    merge(target, types.Cluster(connect_timeout=messages.seconds(3)))

    assert target.connect_timeout == messages.seconds(3)


def test_lists_are_appended_to_unless_they_are_to_be_replaced() -> None:
    appended = types.VirtualHost(domains=["a"])
    replaced = types.VirtualHost(domains=["a"])

    merge(appended, types.VirtualHost(domains=["b"]))
    merge(replaced, types.VirtualHost(domains=["b"]), replaces_lists=True)

    assert list(appended.domains) == ["a", "b"]
    assert list(replaced.domains) == ["b"]


def test_the_entries_of_a_map_replace_those_of_their_key() -> None:
    target, source = types.Cluster(), types.Cluster()
    target.typed_extension_protocol_options["a"].type_url = "x/old"
    target.typed_extension_protocol_options["b"].type_url = "x/kept"
    source.typed_extension_protocol_options["a"].type_url = "x/new"

    merge(target, source)

    options = target.typed_extension_protocol_options
    assert (options["a"].type_url, options["b"].type_url) == ("x/new", "x/kept")


def test_two_types_do_not_merge() -> None:
    with pytest.raises(PatchFault, match="cannot be merged"):
        merge_any(messages.pack(types.Cluster()), messages.pack(types.Listener()))
