"""Configuration made to hurt whoever reads it."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.abuse import wire
from tests.abuse.conftest import Target

MEMORY_BYTES = 1536 * 1024 * 1024
SECONDS = 30


def service_entry(name: str = "a", host: str = "a.example.com") -> str:
    return (
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
        f"metadata: {{name: {json.dumps(name)}, namespace: shop}}\n"
        f"spec: {{hosts: [{json.dumps(host)}], ports: [{{number: 80, name: http,"
        " protocol: HTTP}], resolution: DNS}\n"
    )


def virtual_service(match: str) -> str:
    return (
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\n"
        "metadata: {name: a, namespace: shop}\n"
        f"spec: {{hosts: [a], http: [{{match: [{match}],"
        " route: [{destination: {host: a}}]}]}\n"
    )


def regex(pattern: str) -> str:
    return virtual_service(f"{{uri: {{regex: {json.dumps(pattern)}}}}}")


def laughs() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for number in range(1, 12):
        lines.append(f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]")
    return "\n".join([*lines, "kind: ConfigMap"])


BOMBS: dict[str, Callable[[], str]] = {
    "aliases": laughs,
    "an alias of itself": lambda: "a: &a [*a]\nkind: ConfigMap\n",
    "merges": lambda: "a: &a {x: 1}\n" + "".join(f"b{n}: {{<<: *a}}\n" for n in range(100_000)),
    "depth of lists": lambda: "a: " + "[" * 100_000 + "]" * 100_000,
    "depth of maps": lambda: "{a: " * 50_000 + "1" + "}" * 50_000,
    "depth by lines": lambda: "\n".join(" " * n + "a:" for n in range(3_000)),
    "a document of many megabytes": lambda: "a: " + "x" * 60_000_000,
    "a hundred thousand documents": lambda: "---\na: 1\n" * 100_000,
    "a number without end": lambda: "a: " + "9" * 1_000_000,
    "a tag that runs code": lambda: "a: !!python/object/apply:os.system ['touch /tmp/owned']\n",
    "repeated repetitions": lambda: regex("((a{1000}){1000}){1000}"),
    "a long repetition": lambda: regex("a{100000}"),
    "nested stars over classes": lambda: regex("(" * 500 + "a" + ")*" * 500),
    "a regex of a megabyte": lambda: regex("a" * 1_000_000),
    "a broken regex": lambda: regex("(a"),
    "a lookbehind": lambda: regex("(?<=a)b"),
    "a path as a name": lambda: service_entry("../../etc/passwd"),
    "a newline in a name": lambda: service_entry("a\nb"),
    "nul in a name": lambda: service_entry("a\0b"),
    "a newline in a host": lambda: service_entry(host="a.example.com\nb"),
    "a path as a host": lambda: service_entry(host="../../x"),
    "a host of a kilobyte": lambda: service_entry(host="a" * 1024 + ".example.com"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_little_time_and_memory(name: str, tmp_path: Path) -> None:
    file = tmp_path / "bomb.yaml"
    file.write_text(BOMBS[name]())
    began = time.monotonic()
    done = subprocess.run(
        (sys.executable, "-m", "lateen", "validate", "-f", str(file)),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES)),
    )
    assert done.returncode in (1, 2), done.stderr[-500:]
    assert "Traceback" not in done.stderr
    assert "bomb.yaml" in done.stdout
    assert len(done.stdout) < 50_000_000
    assert time.monotonic() - began < SECONDS
    assert not Path("/tmp/owned").exists()


@pytest.mark.envoy
@pytest.mark.root
def test_a_bomb_in_the_folder_of_a_running_mesh_changes_nothing(target: Target) -> None:
    bombs = ("aliases", "depth of lists", "repeated repetitions", "a path as a name")
    for number, name in enumerate(bombs):
        target.mesh.apply(f"bomb{number}.yaml", BOMBS[name]())
    target.mesh.apply("honest.yaml", service_entry("honest", "honest.example.com"))
    try:
        deadline = time.monotonic() + SECONDS
        while "honest.example.com" not in clusters(target):
            assert time.monotonic() < deadline, "what is right beside the bombs came into force"
        assert wire.plain(target.gateway, wire.get("/a")).status == 200
        assert wire.plain(target.gateway, wire.get("/admin")).status == 403
    finally:
        for number in range(len(bombs)):
            target.mesh.remove(f"bomb{number}.yaml")
        target.mesh.remove("honest.yaml")


def clusters(target: Target) -> str:
    return target.mesh.lateen(
        "proxy-config", "cluster", "client.app", "--mesh", target.mesh.name
    ).stdout
