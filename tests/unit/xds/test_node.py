"""Envoy's Node message as plain values."""

from lateen.catalog.service import Locality
from lateen.envoy import schema
from lateen.xds import node

NODE = schema.message("envoy.config.core.v3.Node")


def test_metadata_becomes_plain_values() -> None:
    message = NODE()
    message.metadata.update(
        {"LABELS": {"app": "a"}, "PORTS": [1, 2.5, None], "FLAG": True, "NAME": "x"}
    )
    assert node.metadata(message) == {
        "LABELS": {"app": "a"}, "PORTS": [1, 2.5, None], "FLAG": True, "NAME": "x",
    }  # fmt: skip


def test_locality_is_read() -> None:
    message = NODE()
    message.locality.region, message.locality.sub_zone = "r", "s"
    assert node.locality(message) == Locality(region="r", subzone="s")
