"""`lateen ca` against a running authority."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lateen.ca.admin_socket import AdminSocket
from lateen.ca.administration import Administration
from lateen.ca.certificate_authority import CertificateAuthority
from lateen.ca.settings import AuthoritySettings
from lateen.cli.main import main
from tests.unit.ca.requests import sign
from tests.unit.ca.times import Time


@contextmanager
def control_plane(folder: Path) -> Iterator[CertificateAuthority]:
    """As much of one as answers."""
    clock = Time()
    authority = CertificateAuthority(
        folder / "ca", AuthoritySettings(trust_domain="cluster.local"), clock=clock, unaware=list
    )
    sign(authority, clock.now)
    office = Administration(authority, clock=clock, unaware=list, disconnect=lambda _: 0)
    started, loop = threading.Event(), asyncio.new_event_loop()
    served = AdminSocket(folder, office.answer, audit=lambda *_: None)

    def serve() -> None:
        loop.run_until_complete(served.start())
        started.set()
        loop.run_forever()

    thread = threading.Thread(target=serve)
    thread.start()
    assert started.wait(10)
    try:
        yield authority
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        served.close()
        loop.close()


def test_the_stages_are_told_with_what_comes_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ["--state", str(tmp_path)]
    with control_plane(tmp_path) as authority:
        old = authority.state.signing
        assert main(["ca", "rotate", "add", *state]) == 0
        assert "Next: lateen ca rotate switch" in capsys.readouterr().out
        assert main(["ca", "rotate", "switch", *state]) == 0
        assert "Next: lateen ca rotate remove" in capsys.readouterr().out
        assert main(["ca", "rotate", "remove", *state]) == 2
        assert "live until" in capsys.readouterr().err
        assert main(["ca", "rotate", "remove", old[:8], "--force", *state]) == 0
        assert "destroyed" in capsys.readouterr().out
        assert main(["ca", "status", *state]) == 0
        shown = capsys.readouterr().out
        assert authority.state.signing in shown
        assert old not in shown


def test_the_status_is_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with control_plane(tmp_path):
        assert main(["ca", "status", "-o", "json", "--state", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["signer"] == "own"
    assert found["live_certificates"] == 1


def test_an_eviction_tells_its_bound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with control_plane(tmp_path):
        assert main(["ca", "evict", "shop/web", "--state", str(tmp_path)]) == 0
        shown = capsys.readouterr().out
        assert "spiffe://cluster.local/ns/shop/sa/web" in shown
        assert "the last of its certificates ends at" in shown
        assert main(["ca", "readmit", "shop/web", "--state", str(tmp_path)]) == 0


def test_without_a_control_plane_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ca", "status", "--state", str(tmp_path)]) == 2
    assert "no control plane answers" in capsys.readouterr().err
