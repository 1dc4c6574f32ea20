"""Volumes of a pod, as plans and as files."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from lateen.api.kubernetes.pod import PodSpec, VolumeMount
from lateen.local.volumes import (
    MountPlan,
    VolumeError,
    VolumePlan,
    mount_plans,
    mounts,
    volume_plans,
    write,
)

KNOWN = {("ConfigMap", "config"): {"b": b"2", "a": b"1"}, ("Secret", "s"): {"word": b"x"}}


def planned(**volume: Any) -> VolumePlan | VolumeError:
    spec = msgspec.convert({"volumes": [{"name": "v", **volume}]}, PodSpec)
    return next(iter(volume_plans(spec, lambda kind, name: KNOWN.get((kind, name)))))


def test_config_map_is_a_file_for_each_key() -> None:
    assert planned(configMap={"name": "config"}) == VolumePlan("v", (("a", b"1"), ("b", b"2")))


def test_items_choose_keys_and_paths() -> None:
    found = planned(secret={"secretName": "s", "items": [{"key": "word", "path": "deep/er"}]})

    assert isinstance(found, VolumePlan)
    assert found.files == (("deep/er", b"x"),)


def test_content_of_a_secret_is_not_shown() -> None:
    assert "x" not in repr(planned(secret={"secretName": "s"})).replace("files", "")


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"configMap": {"name": "no"}}, "there is no ConfigMap no"),
        ({"secret": {"secretName": "s", "items": [{"key": "n", "path": "p"}]}}, "no key 'n'"),
        ({"hostPath": {"path": "/no/such"}}, "there is no /no/such on this machine"),
        ({"persistentVolumeClaim": {}}, "use configMap, secret, emptyDir or hostPath"),
    ],
)
def test_volume_that_cannot_be_had_says_why(volume: dict[str, Any], message: str) -> None:
    found = planned(**volume)

    assert isinstance(found, VolumeError)
    assert message in str(found)


def test_missing_optional_config_map_is_empty() -> None:
    assert planned(configMap={"name": "no", "optional": True}) == VolumePlan("v")


def test_folder_directly_below_the_root_has_to_exist() -> None:
    found = next(iter(mount_plans((VolumeMount(name="v", mount_path="/no-such-folder"),))))

    assert isinstance(found, VolumeError)
    assert "make the folder" in str(found)


def test_target_that_is_missing_is_laid_over_what_exists(tmp_path: Path) -> None:
    plan = MountPlan("v", f"{tmp_path}/deep/er")
    pairs, overlays = mounts((plan,), {"v": VolumePlan("v")}, Path("/x"))

    assert pairs == (("/x/v", f"{tmp_path}/deep/er"),)
    assert overlays == (str(tmp_path),)


def test_files_are_written_below_the_pods_folder(tmp_path: Path) -> None:
    write(VolumePlan("v", (("deep/er", b"x"),)), tmp_path)

    assert (tmp_path / "v" / "deep" / "er").read_bytes() == b"x"
