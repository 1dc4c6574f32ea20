import pytest

from lateen.jwks.errors import SettingError
from lateen.jwks.reach import Reach


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "0.0.0.0",
        "0.1.2.3",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:1:2:3:4:80ff:fffe",
    ],
)
def test_this_machine_and_its_link_are_refused(address: str) -> None:
    assert Reach().refusal("keys.example.com", address)


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.0.1", "93.184.216.34", "2606:4700::1"])
def test_other_machines_are_allowed(address: str) -> None:
    assert Reach().refusal("keys.example.com", address) == ""


def test_an_allowed_network_is_reached() -> None:
    reach = Reach.parse(allow=["127.0.0.0/8"])

    assert reach.refusal("localhost", "127.0.0.1") == ""
    assert reach.refusal("localhost", "::ffff:127.0.0.1") == ""
    assert reach.refusal("localhost", "::1")


def test_an_allowed_host_is_reached_wherever_it_is() -> None:
    reach = Reach.parse(allow=["Keys.local."])

    assert reach.refusal("keys.LOCAL", "127.0.0.1") == ""
    assert reach.refusal("keys.other", "127.0.0.1")


def test_denied_beats_allowed() -> None:
    reach = Reach.parse(allow=["keys.local", "10.0.0.0/8"], deny=["10.0.0.5"])

    assert reach.refusal("keys.local", "10.0.0.5")
    assert reach.refusal("keys.local", "::ffff:10.0.0.5")
    assert reach.refusal("keys.local", "10.0.0.6") == ""


@pytest.mark.parametrize(("allow", "deny"), [(["1.2.3.4/99"], []), ([], ["keys.local"])])
def test_words_without_sense_are_refused(allow: list[str], deny: list[str]) -> None:
    with pytest.raises(SettingError):
        Reach.parse(allow, deny)
