"""What `lateen ca` asks for, and the answers."""

from pathlib import Path
from typing import Any

import pytest

from lateen.ca.administration import Administration
from lateen.ca.certificate_authority import CertificateAuthority
from lateen.ca.errors import AuthorityError
from lateen.ca.settings import AuthoritySettings
from tests.unit.ca.requests import WEB, sign
from tests.unit.ca.times import Time


class Office:
    def __init__(self, folder: Path) -> None:
        self.clock, self.disconnected = Time(), list[str]()
        self.authority = CertificateAuthority(
            folder / "ca",
            AuthoritySettings(trust_domain="cluster.local"),
            clock=self.clock,
            unaware=list,
        )
        self._administration = Administration(
            self.authority, clock=self.clock, unaware=list, disconnect=self._disconnect
        )

    def _disconnect(self, identity: str) -> int:
        self.disconnected.append(identity)
        return 3

    def ask(self, command: str, **request: Any) -> dict[str, Any]:
        return self._administration.answer({"command": command, **request})


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def roles(office: Office) -> list[str]:
    return [root["role"] for root in office.ask("status")["roots"]]


def test_the_roles_of_roots_follow_the_stages(office: Office) -> None:
    sign(office.authority, office.clock.now)
    assert roles(office) == ["signs"]
    office.ask("add")
    assert roles(office) == ["signs", "waiting"]
    switched = office.ask("switch")
    assert roles(office) == ["signs", "retired"]
    assert switched["old_leaves_end"] > "2000"
    office.clock.now += 5000
    office.ask("remove")
    assert roles(office) == ["signs"]


def test_the_next_step_is_told_with_its_time(office: Office) -> None:
    assert office.ask("status")["next"]["step"] == "add"
    office.ask("add", automatic=True)
    assert office.ask("status")["next"]["step"] == "switch"


@pytest.mark.parametrize("name", ["shop/web", str(WEB)])
def test_an_identity_is_evicted_by_either_form_of_its_name(office: Office, name: str) -> None:
    sign(office.authority, office.clock.now)
    done = office.ask("evict", identity=name)
    assert done["identity"] == str(WEB)
    assert done["disconnected"] == 3
    assert done["revoked"]
    assert office.disconnected == [str(WEB)]
    assert list(office.ask("status")["evicted"]) == [str(WEB)]
    office.ask("readmit", identity=name)
    assert not office.ask("status")["evicted"]


@pytest.mark.parametrize("name", ["", "web", "../x/y", "spiffe://cluster.local/ns/a", "a/b/c\n"])
def test_what_is_no_identity_is_refused_with_its_form(office: Office, name: str) -> None:
    with pytest.raises(AuthorityError, match="NAMESPACE/ACCOUNT"):
        office.ask("evict", identity=name)


def test_who_is_not_evicted_cannot_be_let_in(office: Office) -> None:
    with pytest.raises(AuthorityError, match="is not evicted"):
        office.ask("readmit", identity="shop/web")


def test_an_unknown_command_is_refused(office: Office) -> None:
    with pytest.raises(AuthorityError, match="no command"):
        office.ask("destroy")


@pytest.mark.parametrize("root", ["", "zzzz"])
def test_removal_needs_one_root(office: Office, root: str) -> None:
    with pytest.raises(AuthorityError, match="name one of"):
        office.ask("remove", root=root)
