"""Filters that are off until a route leads where they are needed."""

from typing import Any

import pytest

from lateen.translate import alpn
from lateen.translate.filters.http import GRPC_STATS, Direction, http_filters
from lateen.translate.routes.on_demand import needed_filters
from lateen.view.scope import outbound_scope
from tests.unit.translate.outbound_world import CLIENT, http_service, mesh_of


@pytest.mark.parametrize(
    ("protocol", "needed"),
    [
        ("http", ()),
        ("http2", (GRPC_STATS,)),
        ("grpc", (GRPC_STATS,)),
        ("sniffed", (GRPC_STATS, alpn.FILTER)),
        ("tcp", ()),
    ],
)
def test_destination_decides_which_filters_its_routes_need(
    protocol: str, needed: tuple[str, ...]
) -> None:
    mesh = mesh_of(http_service("a", protocol=protocol))
    host = "a.shop.svc.cluster.local"

    assert needed_filters(mesh, outbound_scope(mesh, CLIENT), host, "", 80) == needed


def test_what_few_requests_need_is_off_until_asked_for() -> None:
    def off(filters: list[Any]) -> set[str]:
        return {each.name.rpartition(".")[2] for each in filters if each.disabled}

    assert off(http_filters(Direction.OUTBOUND)) == {
        "grpc_stats", "alpn", "fault", "cors", "stateful_session",
    }  # fmt: skip
    assert off(http_filters(Direction.INBOUND, may_be_grpc=True)) == {"fault", "cors"}
