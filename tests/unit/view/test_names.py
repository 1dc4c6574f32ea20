"""Names of gateways and hosts with a namespace."""

import pytest

from lateen.view.names import gateway_name, gateway_names, split_host


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("gw", "shop/gw"),
        ("./gw", "shop/gw"),
        ("edge/gw", "edge/gw"),
        ("gw.edge", "edge/gw"),
        ("gw.edge.svc.cluster.local", "edge/gw"),
        ("mesh", "mesh"),
    ],
)
def test_gateway_names_are_qualified(written: str, expected: str) -> None:
    assert gateway_name(written, "shop") == expected


def test_no_gateway_means_the_mesh() -> None:
    assert gateway_names((), "shop") == ("mesh",)


def test_host_without_a_namespace_is_of_any() -> None:
    assert split_host("a.com", "shop") == ("*", "a.com")
    assert split_host("./a.com", "shop") == ("shop", "a.com")
    assert split_host("edge/a.com", "shop") == ("edge", "a.com")
