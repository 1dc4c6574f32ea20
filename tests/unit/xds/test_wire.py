"""Responses joined from bytes are what protobuf itself would write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lateen.envoy import schema
from lateen.xds import kinds, wire

DELTA = schema.message("envoy.service.discovery.v3.DeltaDiscoveryResponse")
WHOLE = schema.message("envoy.service.discovery.v3.DiscoveryResponse")

resources = st.lists(st.tuples(st.text(max_size=300), st.binary(max_size=300)), max_size=5)


@given(resources, st.lists(st.text(max_size=200), max_size=3))
def test_delta_response_is_read_back(
    given_resources: list[tuple[str, bytes]], removed: list[str]
) -> None:
    fields = [
        wire.delta_resource(type_url=kinds.CLUSTER, name=name, version="v1", content=content)
        for name, content in given_resources
    ]
    body = wire.delta_response(fields, type_url=kinds.CLUSTER, nonce="7", removed=removed)
    message = DELTA.FromString(body)
    assert (message.type_url, message.nonce) == (kinds.CLUSTER, "7")
    assert list(message.removed_resources) == removed
    assert [(r.name, r.resource.value) for r in message.resources] == given_resources
    assert {r.version for r in message.resources} <= {"v1"}


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_whole_response_is_read_back(contents: list[bytes]) -> None:
    body = wire.whole_response(contents, type_url=kinds.ROUTE, nonce="7", version_info="3")
    message = WHOLE.FromString(body)
    assert (message.type_url, message.nonce, message.version_info) == (kinds.ROUTE, "7", "3")
    assert [resource.value for resource in message.resources] == contents


@pytest.mark.parametrize("name", ["a", "outbound|80||" + "x" * 200])
def test_empty_assignment_names_its_cluster(name: str) -> None:
    assignment = schema.message("envoy.config.endpoint.v3.ClusterLoadAssignment")
    expected = assignment(cluster_name=name).SerializeToString()
    assert wire.empty_assignment(name) == expected


def test_equal_content_has_an_equal_version() -> None:
    assert wire.version(b"a") == wire.version(b"a") != wire.version(b"b")
