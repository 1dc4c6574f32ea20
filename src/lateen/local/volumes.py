"""A pod's volumes as folders of this machine: ConfigMaps, Secrets, scratch space, host folders.

    plan:  which files a volume has            pod: the files, below its own folder
    start: the folder appears at `mountPath`, in the container's own view of the file system

Where `mountPath` does not exist it is laid over the nearest folder that does, so that nothing is
left on the machine; directly below `/` that is impossible, and said so.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lateen.api.kubernetes.pod import KeyToPath, PodSpec, Volume, VolumeMount

Content = Mapping[str, bytes]
Find = Callable[[str, str], Content | None]  # kind, name


class VolumeError(Exception):
    """A volume that cannot be had; becomes a Problem where the pod is planned."""


@dataclass(frozen=True, slots=True)
class VolumePlan:
    """`host` is an existing folder or file; else the volume has `files`, perhaps none."""

    name: str
    files: tuple[tuple[str, bytes], ...] = ()
    host: str = ""
    secret: bool = False

    def __repr__(self) -> str:
        return f"VolumePlan({self.name!r}, {len(self.files)} files, host={self.host!r})"


@dataclass(frozen=True, slots=True)
class MountPlan:
    volume: str
    path: str
    sub_path: str = ""


def volume_plans(spec: PodSpec, find: Find) -> Iterator[VolumePlan | VolumeError]:
    for volume in spec.volumes:
        try:
            yield _volume(volume, find)
        except VolumeError as trouble:
            yield trouble


def mount_plans(mounts: tuple[VolumeMount, ...]) -> Iterator[MountPlan | VolumeError]:
    for mount in mounts:
        path = os.path.normpath(mount.mount_path)
        if not path.startswith("/") or path == "/":
            yield VolumeError(f"mountPath {mount.mount_path!r} is not an absolute path")
        elif not os.path.exists(path) and _existing(path) == "/":
            yield VolumeError(
                f"mountPath {path} is not on this machine: make the folder, or choose a path "
                "below one that exists"
            )
        else:
            yield MountPlan(mount.name, path, mount.sub_path)


def write(volume: VolumePlan, folder: Path) -> None:
    """The files of a volume, readable by whoever the container runs as."""
    place = folder / volume.name
    place.mkdir(mode=0o755, parents=True, exist_ok=True)
    for name, content in volume.files:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o644)


def mounts(
    plans: tuple[MountPlan, ...], volumes: Mapping[str, VolumePlan], folder: Path
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Pairs of source and target to bind, and the folders to lay something over first."""
    pairs, overlays = [], []
    for plan in plans:
        volume = volumes.get(plan.volume)
        if volume is None:
            continue
        source = Path(volume.host or folder / volume.name) / plan.sub_path
        pairs.append((str(source), plan.path))
        if not os.path.exists(plan.path):
            overlays.append(_existing(plan.path))
    return tuple(pairs), tuple(dict.fromkeys(overlays))


def _existing(path: str) -> str:
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def _volume(volume: Volume, find: Find) -> VolumePlan:
    if volume.config_map is not None:
        config = volume.config_map
        files = _files("ConfigMap", config.name, config.items, bool(config.optional), find)
        return VolumePlan(volume.name, files)
    if volume.secret is not None:
        source = volume.secret
        files = _files("Secret", source.secret_name, source.items, bool(source.optional), find)
        return VolumePlan(volume.name, files, secret=True)
    if volume.host_path is not None:
        path = volume.host_path.path
        if not os.path.exists(path):
            raise VolumeError(f"volume {volume.name}: there is no {path} on this machine")
        return VolumePlan(volume.name, host=path)
    if volume.empty_dir is not None:
        return VolumePlan(volume.name)
    raise VolumeError(
        f"volume {volume.name} is of a kind that does not run here; "
        "use configMap, secret, emptyDir or hostPath"
    )


def _files(
    kind: str, name: str, items: tuple[KeyToPath, ...], optional: bool, find: Find
) -> tuple[tuple[str, bytes], ...]:
    content = find(kind, name)
    if content is None:
        if optional:
            return ()
        raise VolumeError(f"there is no {kind} {name}")
    if not items:
        return tuple(sorted(content.items()))
    missing = [item.key for item in items if item.key not in content]
    if missing and not optional:
        raise VolumeError(f"{kind} {name} has no key {missing[0]!r}")
    return tuple((item.path, content[item.key]) for item in items if item.key in content)
