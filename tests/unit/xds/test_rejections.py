"""Which resources a rejection is about."""

import pytest

from lateen.api.resource import Key
from lateen.xds.rejections import config_paths, rejected_names
from lateen.xds.responses import Sent


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Error adding/updating cluster(s) outbound|80||a.b: bad", ("outbound|80||a.b",)),
        ("Error adding/updating listener(s) virtualInbound: x", ("virtualInbound",)),
        ("something without a name", ("outbound|80||a.b", "outbound|80|v1|a.b", "virtualInbound")),
    ],
)
def test_names_are_found_in_the_text(text: str, names: tuple[str, ...]) -> None:
    sent = ("outbound|80||a.b", "outbound|80|v1|a.b", "virtualInbound")
    told = Sent("1", sent, ())
    assert rejected_names(told, text) == names


def test_rejection_of_something_never_sent_names_nothing() -> None:
    assert rejected_names(None, "no") == ()


def test_config_paths_become_keys_in_order() -> None:
    content = (
        b"\x12\x44/apis/networking.istio.io/v1/namespaces/shop/virtual-service/reviews\x00"
        b"/apis/networking.istio.io/v1alpha3/namespaces/istio-system/envoy-filter/limit.a\x01"
    )
    assert config_paths(content) == (
        Key("VirtualService", "shop", "reviews"),
        Key("EnvoyFilter", "istio-system", "limit.a"),
    )
