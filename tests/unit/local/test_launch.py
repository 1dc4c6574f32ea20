"""What keeps a mesh from being started."""

from pathlib import Path

import pytest

from lateen.local.errors import LocalError
from lateen.local.launch import launch


def test_mistake_in_lateen_yaml_refuses_the_start_and_tells_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATEEN_STATE", str(tmp_path / "state"))
    (tmp_path / "lateen.yaml").write_text("name: shop\nimagez: []\n")

    with pytest.raises(LocalError, match=r"lateen\.yaml:2:1: .*imagez"):
        launch(tmp_path, name="", mode="auto", detached=True)

    assert not (tmp_path / "state" / "shop").exists()
