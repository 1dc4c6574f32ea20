"""`lateen rate-limit`: what it refuses to start with."""

from pathlib import Path

import pytest

from lateen.cli.main import main


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--discovery", "127.0.0.1:1"], "needs --root-cert and --token"),
        (["--config-map", "a/b"], "name one with -f"),
        (["-f", ".", "--config-map", "limits"], "write NAMESPACE/NAME"),
        (["--counters", "0"], "must be positive"),
        (["--listen", "localhost"], "is not an address"),
        (["--listen", "0.0.0.0:0", "--admin-address", ""], "is not a loopback address"),
        (["--redis", "localhost:6379"], "not the address of a Redis"),
        (["--config", "nothing.yaml"], "nothing.yaml: cannot be read"),
    ],
)
def test_mistakes_are_told_and_end_it(
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(["rate-limit", *words]) == 2

    assert message in capsys.readouterr().err
