"""Requests of both protocols in one shape."""

import pytest

from lateen.xds import kinds
from lateen.xds.requests import LONGEST_NAME, MOST_NAMES, Reader
from lateen.xds.transport.status import CallRefused
from tests.unit.xds.ads_client import DELTA_REQUEST, WHOLE_REQUEST


def test_delta_request_is_read() -> None:
    message = DELTA_REQUEST(type_url=kinds.ENDPOINT, response_nonce="3")
    message.resource_names_subscribe.extend(["b", "a"])
    message.resource_names_unsubscribe.append("c")
    message.initial_resource_versions["a"] = "1"
    message.error_detail.message = "why"
    message.node.id = "me"
    request = Reader(delta=True).read(message.SerializeToString())
    assert (request.type_url, request.nonce) == (kinds.ENDPOINT, "3")
    assert (request.subscribe, request.unsubscribe) == (("b", "a"), ("c",))
    assert (request.versions, request.error, request.node.id) == ({"a": "1"}, "why", "me")


def test_state_of_the_world_request_is_read() -> None:
    message = WHOLE_REQUEST(type_url=kinds.CLUSTER, response_nonce="3", version_info="2")
    request = Reader(delta=False).read(message.SerializeToString())
    assert (request.type_url, request.nonce, request.subscribe) == (kinds.CLUSTER, "3", ())
    assert (request.versions, request.error, request.node) == (None, None, None)


def test_equal_acknowledgements_are_read_once() -> None:
    reader = Reader(delta=True)
    body = DELTA_REQUEST(type_url=kinds.CLUSTER, response_nonce="3").SerializeToString()
    assert reader.read(body) is reader.read(bytes(bytearray(body)))


def test_requests_of_one_proxy_alone_are_not_kept() -> None:
    reader = Reader(delta=True)
    message = DELTA_REQUEST(type_url=kinds.CLUSTER)
    message.node.id = "me"
    body = message.SerializeToString()
    assert reader.read(body) is not reader.read(body)


def test_what_is_no_request_is_refused() -> None:
    with pytest.raises(CallRefused, match="not a discovery request"):
        Reader(delta=True).read(b"\xff\xff\xff")


@pytest.mark.parametrize("delta", [True, False])
@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["a"] * (MOST_NAMES + 1), "more than 50000 resource names"),
        (["a" * (LONGEST_NAME + 1)], "a resource name is too long"),
    ],
)
def test_names_are_bounded_in_number_and_length(delta: bool, names: list[str], reason: str) -> None:
    message = DELTA_REQUEST() if delta else WHOLE_REQUEST()
    (message.resource_names_subscribe if delta else message.resource_names).extend(names)
    with pytest.raises(CallRefused, match=reason):
        Reader(delta=delta).read(message.SerializeToString())
