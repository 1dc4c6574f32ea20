"""Writes requirements.lock, or with `--group dev` requirements-dev.lock: pinned, with hashes.

Run by `make lock` with pip-tools at hand. The second file is made within the first one's pins.
"""

import pathlib
import subprocess
import sys
import tempfile
import tomllib

BUILD = ["hatchling", "editables"]  # what an editable install without build isolation needs


def main() -> int:
    project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())
    dev = "--group" in sys.argv
    wanted = project["dependency-groups"]["dev"] if dev else project["project"]["dependencies"]
    target = "requirements-dev.lock" if dev else "requirements.lock"
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "wanted.in")
        lines = list(wanted) if dev else [*wanted, *BUILD]
        source.write_text("\n".join(lines) + ("\n-c requirements.lock" if dev else "") + "\n")
        if dev:
            pathlib.Path(folder, "requirements.lock").write_text(
                pathlib.Path("requirements.lock").read_text()
            )
        command = [
            sys.executable, "-m", "piptools", "compile", "--quiet", "--generate-hashes",
            "--strip-extras", "--no-header", "--no-annotate", "--no-emit-index-url",
            "--no-emit-trusted-host", "--no-emit-find-links", "--allow-unsafe",
            "--output-file", target, str(source),
        ]  # fmt: skip
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
