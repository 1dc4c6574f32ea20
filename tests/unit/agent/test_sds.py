"""Both forms of SDS, without a stream."""

from lateen.agent.messages import (
    SECRET_TYPE,
    DeltaDiscoveryRequest,
    DeltaDiscoveryResponse,
    DiscoveryRequest,
    DiscoveryResponse,
)
from lateen.agent.sds import Delta, StateOfTheWorld, Subscription
from lateen.agent.secrets import SecretStore


def ask(stream: Subscription, *names: str, nonce: str = "", problem: str = "") -> None:
    request = DiscoveryRequest(
        type_url=SECRET_TYPE, resource_names=names, response_nonce=nonce, version_info="1"
    )
    if problem:
        request.error_detail.message = problem
    stream.receive(request.SerializeToString())


def whole(stream: Subscription) -> list[bytes]:
    message = stream.due()
    assert message is not None
    return [resource.value for resource in DiscoveryResponse.FromString(message).resources]


def delta(stream: Subscription) -> dict[str, bytes]:
    message = stream.due()
    assert message is not None
    resources = DeltaDiscoveryResponse.FromString(message).resources
    return {resource.name: resource.resource.value for resource in resources}


def subscribe(stream: Subscription, *names: str) -> None:
    stream.receive(DeltaDiscoveryRequest(resource_names_subscribe=names).SerializeToString())


def test_a_secret_is_sent_once_and_again_when_it_changes() -> None:
    store = SecretStore()
    store.put("default", b"one")
    stream = StateOfTheWorld(store)
    ask(stream, "default")
    assert whole(stream) == [b"one"]
    ask(stream, "default", nonce="1")
    assert stream.due() is None
    store.put("default", b"two")
    assert whole(stream) == [b"two"]


def test_a_secret_that_comes_later_is_sent_when_it_comes() -> None:
    store = SecretStore()
    stream = StateOfTheWorld(store)
    ask(stream, "default")
    assert stream.due() is None
    store.put("default", b"one")
    assert whole(stream) == [b"one"]


def test_another_streams_secret_disturbs_nobody() -> None:
    store = SecretStore()
    store.put("default", b"one")
    stream = StateOfTheWorld(store)
    ask(stream, "default")
    whole(stream)
    store.put("ROOTCA", b"roots")
    assert stream.due() is None


def test_a_rejected_secret_is_not_sent_again() -> None:
    store = SecretStore()
    store.put("default", b"bad")
    stream = StateOfTheWorld(store)
    ask(stream, "default")
    whole(stream)
    ask(stream, "default", nonce="1", problem="no key")
    assert stream.due() is None


def test_an_acknowledgement_that_names_more_is_answered() -> None:
    store = SecretStore()
    store.put("default", b"one")
    store.put("ROOTCA", b"roots")
    stream = StateOfTheWorld(store)
    ask(stream, "default")
    whole(stream)
    ask(stream, "default", "ROOTCA", nonce="1")
    assert sorted(whole(stream)) == [b"one", b"roots"]


def test_a_request_about_an_older_response_is_left_aside() -> None:
    store = SecretStore()
    store.put("default", b"one")
    stream = StateOfTheWorld(store)
    ask(stream, "default")
    whole(stream)
    ask(stream, nonce="7")
    store.put("default", b"two")
    assert whole(stream) == [b"two"]


def test_delta_sends_only_what_is_new_to_the_stream() -> None:
    store = SecretStore()
    store.put("default", b"one")
    store.put("ROOTCA", b"roots")
    stream = Delta(store)
    subscribe(stream, "default")
    assert delta(stream) == {"default": b"one"}
    subscribe(stream, "ROOTCA")
    assert delta(stream) == {"ROOTCA": b"roots"}
    store.put("default", b"two")
    assert delta(stream) == {"default": b"two"}


def test_delta_forgets_what_is_unsubscribed() -> None:
    store = SecretStore()
    store.put("default", b"one")
    stream = Delta(store)
    subscribe(stream, "default")
    delta(stream)
    stream.receive(
        DeltaDiscoveryRequest(resource_names_unsubscribe=["default"]).SerializeToString()
    )
    store.put("default", b"two")
    assert stream.due() is None


def test_delta_answers_a_repeated_subscription() -> None:
    store = SecretStore()
    store.put("default", b"one")
    stream = Delta(store)
    subscribe(stream, "default")
    delta(stream)
    subscribe(stream, "default")
    assert delta(stream) == {"default": b"one"}
