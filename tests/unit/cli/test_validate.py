"""`lateen validate`."""

import json
from pathlib import Path

import pytest

from lateen.cli.main import main

RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews}
spec:
  host: reviews
  subsets:
  - name: v1
    lables: {version: v1}
"""
SOUND = RULE.replace("lables", "labels")
DOUBTFUL = SOUND + "  workloadSelector: {}\n"


def written(folder: Path, text: str) -> str:
    file = folder / "a.yaml"
    file.write_text(text)
    return str(file)


def test_sound_documents_exit_with_nothing_to_say(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "-f", written(tmp_path, SOUND)]) == 0
    assert capsys.readouterr().out == ""


def test_a_mistake_is_told_with_place_and_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, RULE)
    assert main(["validate", file]) == 1
    assert capsys.readouterr().out == (
        f'error: {file}:8:5 spec.subsets[0].lables: unknown field "lables" '
        '(did you mean "labels"?)\n'
    )


def test_json_lists_every_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, f"{RULE}---\n{DOUBTFUL}")
    assert main(["validate", "-f", file, "-o", "json"]) == 1
    wrong, doubtful = json.loads(capsys.readouterr().out)
    assert wrong == {
        "file": file,
        "line": 1,
        "kind": "DestinationRule",
        "name": "reviews",
        "namespace": "default",
        "valid": False,
        "problems": [
            {
                "code": "unknown-field",
                "severity": "error",
                "path": "spec.subsets[0].lables",
                "line": 8,
                "column": 5,
                "message": 'unknown field "lables"',
                "hint": 'did you mean "labels"?',
            }
        ],
    }
    assert doubtful["valid"] is True
    assert doubtful["line"] == 10
    assert [problem["severity"] for problem in doubtful["problems"]] == ["warning"]


def test_wrong_use_and_unreadable_input_are_told_apart(tmp_path: Path) -> None:
    assert main(["validate"]) == 2
    assert main(["validate", str(tmp_path / "none.yaml")]) == 2


def test_a_mesh_configuration_is_checked_over_the_defaults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "mesh.yaml"
    config.write_text("enableTracing: false\nproxyListenPort: 70000\n")
    assert main(["validate", written(tmp_path, SOUND), "--mesh-config", str(config)]) == 1
    assert f"{config}:2:1 proxyListenPort: invalid proxy listen port" in capsys.readouterr().out
