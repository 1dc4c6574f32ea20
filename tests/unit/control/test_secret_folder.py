"""Folders become Secrets, follow their files, and never lose a good version to a bad one."""

import os
import time
from pathlib import Path

import pytest

from lateen.api.resource import Key
from lateen.control.secret_folder import LARGEST_FILE, SecretFolder

EDGE = Key("Secret", "shop", "edge")


def put(folder: Path, name: str = "edge", namespace: str = "shop", **files: str) -> Path:
    place = folder / namespace / name
    place.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        path = place / file.replace("_", ".")
        path.write_text(content)
        path.chmod(0o600)
        later = time.time() + 5
        os.utime(path, (later, later))
    return place


def look(source: SecretFolder) -> tuple[dict[Key, dict[str, bytes] | None], list[str]]:
    changes, problems = source._look()
    found = {c.key: dict(c.resource.spec.data) if c.resource else None for c in changes}
    return found, [str(problem) for problem in problems]


def test_a_folder_is_a_secret_of_its_namespace(tmp_path: Path) -> None:
    put(tmp_path, tls_crt="certificate", tls_key="key")
    put(tmp_path, "other", "bank", ca_crt="roots")
    found, problems = look(SecretFolder(tmp_path))
    assert found == {
        EDGE: {"tls.crt": b"certificate", "tls.key": b"key"},
        Key("Secret", "bank", "other"): {"ca.crt": b"roots"},
    }
    assert problems == []


def test_changes_and_removals_are_followed_and_the_rest_is_not_told_again(tmp_path: Path) -> None:
    source = SecretFolder(tmp_path)
    put(tmp_path, tls_key="one")
    put(tmp_path, "same", tls_key="same")
    look(source)
    assert look(source) == ({}, [])
    place = put(tmp_path, tls_key="another")
    assert look(source)[0] == {EDGE: {"tls.key": b"another"}}
    (place / "tls.key").unlink()
    place.rmdir()
    assert look(source)[0] == {EDGE: None}


def test_a_key_that_everybody_may_read_is_not_used(tmp_path: Path) -> None:
    source = SecretFolder(tmp_path)
    place = put(tmp_path, tls_key="good")
    look(source)
    (place / "tls.key").write_text("worse")
    (place / "tls.key").chmod(0o644)
    found, problems = look(source)
    assert found == {}  # the last good one stays
    assert "tls.key can be read by everybody; chmod 600 it" in problems[0]
    (place / "tls.key").chmod(0o600)
    assert look(source) == ({EDGE: {"tls.key": b"worse"}}, [])


@pytest.mark.parametrize("name", [".hidden", "..data"])
def test_names_that_begin_with_a_dot_are_left_aside(tmp_path: Path, name: str) -> None:
    put(tmp_path, name, tls_key="x")
    put(tmp_path, "edge", name, tls_key="x")
    (put(tmp_path, tls_key="x") / name).write_text("x")
    assert look(SecretFolder(tmp_path))[0] == {EDGE: {"tls.key": b"x"}}


def test_mounted_volumes_with_links_are_followed(tmp_path: Path) -> None:
    first = put(tmp_path / "real", "v1", "..x", tls_key="one")
    place = tmp_path / "mounted" / "shop" / "edge"
    place.mkdir(parents=True)
    (place / "..data").symlink_to(first)
    (place / "tls.key").symlink_to("..data/tls.key")
    assert look(SecretFolder(tmp_path / "mounted"))[0] == {EDGE: {"tls.key": b"one"}}


def test_a_folder_that_is_gone_keeps_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    put(folder, tls_key="x")
    source = SecretFolder(folder)
    look(source)
    folder.rename(tmp_path / "away")
    found, problems = look(source)
    assert found == {}
    assert "what is known of it is kept" in problems[0]


def test_what_is_too_large_or_no_file_is_named(tmp_path: Path) -> None:
    put(tmp_path, tls_crt="x" * (LARGEST_FILE + 1))
    (tmp_path / "shop" / "odd" / "tls.crt").mkdir(parents=True)
    found, problems = look(SecretFolder(tmp_path))
    assert found == {}
    assert ["larger than" in problems[0], "is not a file" in problems[1]] == [True, True]
