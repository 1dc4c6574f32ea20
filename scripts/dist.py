"""Builds the wheel of the committed state into dist/, with what tells where it comes from.

    lateen-VERSION-py3-none-any.whl           holds its own bill of materials (PEP 770)
    lateen-VERSION.cdx.json                   the same bill: CycloneDX 1.6, hashes from the lock
    lateen-VERSION-py3-none-any.whl.intoto.json   provenance: an in-toto statement, SLSA v1

Run by `make dist`. The wheel is built twice and refused unless both are the same bytes, so that
whoever has the commit can check the digest. The statement is not signed here: whoever publishes
signs it (for example `cosign attest-blob --statement`).
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD_TYPE = "https://github.com/pypa/build#wheel"
SBOM_FOLDER = "sbom"


def main(target: pathlib.Path = ROOT / "dist") -> int:
    commit = git("rev-parse", "HEAD")
    epoch = git("log", "-1", "--format=%ct")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "source")
        export(source)
        sbom = write_sbom(source, version)
        wheels = [build(source, pathlib.Path(folder, name), epoch) for name in ("one", "two")]
        if digest(wheels[0]) != digest(wheels[1]):
            print("the wheel differs from one build to the next; nothing was written")
            return 1
        target.mkdir(exist_ok=True)
        made = [
            shutil.copy(wheels[0], target),
            shutil.copy(sbom, target / sbom.name),
        ]
    statement = provenance([pathlib.Path(path) for path in made], commit, epoch)
    attestation = target / f"{wheels[0].name}.intoto.json"
    attestation.write_text(json.dumps(statement, indent=2) + "\n")
    for path in (*made, attestation):
        print(f"{digest(pathlib.Path(path))}  {pathlib.Path(path).name}")
    return 0


def git(*words: str) -> str:
    return subprocess.run(
        ("git", *words), cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def export(source: pathlib.Path) -> None:
    """The committed files alone: what is not committed cannot be in a release."""
    source.mkdir()
    archive = subprocess.run(
        ("git", "archive", "HEAD"), cwd=ROOT, check=True, capture_output=True
    ).stdout
    subprocess.run(("tar", "-x", "-C", str(source)), input=archive, check=True)


def write_sbom(source: pathlib.Path, version: str) -> pathlib.Path:
    path = source / SBOM_FOLDER / f"lateen-{version}.cdx.json"
    path.parent.mkdir()
    subprocess.run(
        (
            *(sys.executable, "-m", "cyclonedx_py", "requirements", "requirements.lock"),
            *("--pyproject", "pyproject.toml", "--mc-type", "application"),
            *("--output-reproducible", "--spec-version", "1.6"),
            *("--output-format", "JSON", "--output-file", str(path)),
        ),
        cwd=source,
        check=True,
    )
    settings = source / "pyproject.toml"
    table = "[tool.hatch.build.targets.wheel]\n"
    text = settings.read_text()
    assert text.count(table) == 1, "the wheel's table is there once"
    named = f'{table}sbom-files = ["{SBOM_FOLDER}/{path.name}"]\n'
    settings.write_text(text.replace(table, named))
    return path


def build(source: pathlib.Path, target: pathlib.Path, epoch: str) -> pathlib.Path:
    subprocess.run(
        (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)),
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": epoch},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    (wheel,) = target.glob("*.whl")
    return wheel


def digest(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def provenance(subjects: list[pathlib.Path], commit: str, epoch: str) -> dict[str, object]:
    """An in-toto statement v1 with a SLSA v1 provenance predicate."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": path.name, "digest": {"sha256": digest(path)}} for path in subjects],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"command": "make dist"},
                "internalParameters": {
                    "SOURCE_DATE_EPOCH": epoch,
                    "python": ".".join(map(str, sys.version_info[:3])),
                },
                "resolvedDependencies": [
                    {"name": "source", "digest": {"gitCommit": commit}},
                    {
                        "name": "requirements.lock",
                        "digest": {"sha256": digest(ROOT / "requirements.lock")},
                    },
                ],
            },
            "runDetails": {
                "builder": {"id": "local"},
                "metadata": {"invocationId": commit},
            },
        },
    }


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])) if sys.argv[1:] else main())
