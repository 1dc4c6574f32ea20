"""The README promises what tests show, and nothing else."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_table_of_what_is_supported_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/support_table.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_command_of_the_readme_exists() -> None:
    from lateen.cli.main import COMMANDS

    words = [
        line.split()[1]
        for line in (ROOT / "README.md").read_text().splitlines()
        if line.startswith(".venv/bin/lateen ")
    ]
    assert words
    assert set(words) <= set(COMMANDS)
