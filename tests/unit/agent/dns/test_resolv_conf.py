"""resolv.conf."""

from pathlib import Path

import pytest

from lateen.agent.dns import resolv_conf

TEXT = """# made by hand
search shop.svc.cluster.local svc.cluster.local ; the pod's
nameserver 10.0.0.2
nameserver fd00::2
nameserver 10.0.0.3
nameserver 10.0.0.4
options ndots:5
"""


def test_servers_and_search_list_are_read() -> None:
    found = resolv_conf.parse(TEXT)
    assert found.servers == (("10.0.0.2", 53), ("fd00::2", 53), ("10.0.0.3", 53))
    assert found.search == ("shop.svc.cluster.local", "svc.cluster.local")


def test_a_missing_file_says_nothing(tmp_path: Path) -> None:
    assert resolv_conf.read(tmp_path / "none") == resolv_conf.ResolvConf()


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("10.0.0.1", ("10.0.0.1", 53)),
        ("10.0.0.1:5353", ("10.0.0.1", 5353)),
        ("fd00::1", ("fd00::1", 53)),
        ("[fd00::1]:5353", ("fd00::1", 5353)),
    ],
)
def test_a_server_may_have_a_port(text: str, server: tuple[str, int]) -> None:
    assert resolv_conf.server(text) == server
