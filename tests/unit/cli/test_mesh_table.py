"""What a running mesh looks like in a terminal, a file and a pipe."""

import pytest

from lateen.cli.mesh_table import MeshView, console
from lateen.local.state import PodState, Status

LONG = "error: /home/somebody/manifests/of/a/shop/deployment.yaml:76:11 containers[c]: " + "x" * 90


def test_lines_in_a_file_are_whole(capsys: pytest.CaptureFixture[str]) -> None:
    reason = "cannot start: the container has an image and no command, " + "x" * 90
    pod = PodState("front-1", "shop", "front", "Deployment", reason=reason)
    view = MeshView("shop", "root")
    screen = console()
    view.show(Status(messages=(LONG,), pods=(pod,)), screen)
    screen.print(view)

    printed = capsys.readouterr().out.splitlines()

    assert LONG in printed
    assert any(reason in line for line in printed)


def test_message_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    view = MeshView("shop", "root")
    screen = console()
    view.show(Status(messages=("one",)), screen)
    view.show(Status(messages=("one", "two")), screen)

    assert capsys.readouterr().out == "one\ntwo\n"
