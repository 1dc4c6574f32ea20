"""Addresses as the settings write them."""

import os
from pathlib import Path

import pytest

from lateen.agent import address
from lateen.agent.address import Address
from lateen.agent.errors import AgentError


@pytest.mark.parametrize("text", ["127.0.0.1:80", "[::1]:80", "unix:/run/x", "localhost:0"])
def test_an_address_reads_back_as_it_was_written(text: str) -> None:
    assert str(address.parse(text)) == text


@pytest.mark.parametrize("text", ["", "localhost", "localhost:", "localhost:99999", "a:b"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(AgentError, match="HOST:PORT"):
        address.parse(text)


def test_clients_reach_all_addresses_by_loopback() -> None:
    assert Address("0.0.0.0", 1).local() == Address("127.0.0.1", 1)
    assert Address("10.0.0.1", 1).local() == Address("10.0.0.1", 1)


def test_a_long_socket_path_is_taken_from_the_working_folder() -> None:
    path = Path.cwd() / ("x" * 100)
    found = address.socket_path(path)
    assert found == os.path.join(".", "x" * 100)


def test_a_path_that_stays_too_long_is_refused() -> None:
    with pytest.raises(AgentError, match="shorter work folder"):
        address.socket_path(Path("/", "x" * 200))
