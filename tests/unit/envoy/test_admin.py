import pytest

from lateen.envoy import admin


@pytest.mark.parametrize("address", ["127.0.0.1:15000", "[::1]:15000", "/run/a/admin.sock", "./a"])
def test_addresses_and_sockets_are_told_apart(address: str) -> None:
    assert admin.connect(address).address == address


def test_a_name_alone_is_no_address() -> None:
    with pytest.raises(admin.AdminError, match="HOST:PORT"):
        admin.connect("reviews")
