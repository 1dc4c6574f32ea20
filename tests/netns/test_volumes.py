"""Volumes in a container's own view of the file system."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netns import manifests
from tests.netns.running import RunningMesh, running

pytestmark = [pytest.mark.root, pytest.mark.envoy]

VOLUMES = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: config, namespace: shop}
data: {level: debug}
---
apiVersion: v1
kind: Secret
metadata: {name: secret, namespace: shop}
stringData: {word: hidden}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: reader, namespace: shop}
spec:
  template:
    metadata: {labels: {app: reader}}
    spec:
      volumes:
      - {name: config, configMap: {name: config}}
      - {name: secret, secret: {secretName: secret, items: [{key: word, path: deep/word}]}}
      - {name: scratch, emptyDir: {}}
      containers:
      - name: main
        image: example/reader
        command:
        - sh
        - -c
        - |
          echo kept > /var/lateen-test/file
          grep -q " ${LATEEN_VOLUMES%/*/pods/*} " /proc/mounts &&
            ! umount "${LATEEN_VOLUMES%/*/pods/*}" 2>/dev/null &&
            echo refused > /var/lateen-test/unmounted
          exec sleep 1000
        volumeMounts:
        - {name: config, mountPath: /etc/lateen-test}
        - {name: secret, mountPath: /opt/lateen-test}
        - {name: scratch, mountPath: /var/lateen-test}
"""


@pytest.fixture(scope="module", params=["root", "userns"])
def mesh(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningMesh]:
    folder = tmp_path_factory.mktemp("manifests")
    (folder / "shop.yaml").write_text(manifests.NAMESPACE + VOLUMES)
    with running(folder, tmp_path_factory.mktemp("state"), "--mode", request.param) as started:
        yield started


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/etc/lateen-test/level", "debug"),
        ("/opt/lateen-test/deep/word", "hidden"),
        ("/var/lateen-test/file", "kept\n"),
    ],
)
def test_volume_is_where_it_is_mounted(mesh: RunningMesh, path: str, content: str) -> None:
    assert mesh.lateen("exec", "reader", "--", "cat", path).stdout == content


def test_neighbours_of_a_mount_are_still_there(mesh: RunningMesh) -> None:
    assert "root" in mesh.lateen("exec", "reader", "--", "cat", "/etc/passwd").stdout


def test_nothing_is_made_on_the_machine(mesh: RunningMesh) -> None:
    assert not Path("/etc/lateen-test").exists()
    assert not Path("/var/lateen-test").exists()


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("ls {root}", "{name}"),
        ("ls {state}", "pods"),
        ("ls {state}/pods", "{pod}"),
        ("cat {volumes}/config/level", "debug"),
    ],
)
def test_a_program_sees_no_state_of_the_mesh_but_its_volumes(
    mesh: RunningMesh, command: str, shown: str
) -> None:
    state = mesh.state.folder
    pod = mesh.pod("reader")
    folder = mesh.state.pod(pod.namespace, pod.name)
    names = {
        "root": state.parent,
        "state": state,
        "name": state.name,
        "pod": folder.name,
        "volumes": folder / "volumes",
    }
    script = command.format(**names)
    done = mesh.lateen("exec", "reader", "--", "sh", "-c", script)
    assert done.stdout.split() == [shown.format(**names)]


def test_not_even_root_reads_the_keys_and_tokens_of_the_mesh(mesh: RunningMesh) -> None:
    state = mesh.state
    mesh.pod("reader")
    secrets = [state.control / "ca", state.control / "token-key.pem"]
    secrets += [state.folder / "mesh.json", state.runtime, state.control / "admin.sock"]
    for path in secrets:
        assert path.exists()
        done = mesh.lateen("exec", "reader", "--", "ls", str(path), check=False)
        assert (done.returncode != 0, done.stdout) == (True, "")
    found = mesh.lateen("exec", "reader", "--", "cat", "/var/lateen-test/unmounted").stdout
    assert found.split() == ["refused"]
