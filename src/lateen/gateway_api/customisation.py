"""What a ConfigMap changes of the objects of a Gateway: a strategic merge patch for each kind.

    data: {deployment: ..., service: ..., serviceAccount: ...,
           horizontalPodAutoscaler: ..., podDisruptionBudget: ...}

Maps are merged, `null` removes a field, lists of named things are merged by their names and other
lists are replaced; `$patch: replace` and `$patch: delete` do what they do in Kubernetes. What an
object is (name, namespace, owner) cannot be changed.
"""

from collections.abc import Sequence
from typing import Any

import yaml

from lateen.base.errors import LateenError

Document = dict[str, Any]
OVERLAYS = {
    "Deployment": "deployment",
    "Service": "service",
    "ServiceAccount": "serviceAccount",
    "HorizontalPodAutoscaler": "horizontalPodAutoscaler",
    "PodDisruptionBudget": "podDisruptionBudget",
}
OPTIONAL = ("HorizontalPodAutoscaler", "PodDisruptionBudget")  # made only with an overlay
IDENTITY = (
    "name", "generateName", "namespace", "uid", "resourceVersion", "generation",
    "creationTimestamp", "deletionTimestamp", "ownerReferences", "finalizers", "managedFields",
)  # fmt: skip
# Which field tells the items of a list apart (`patchMergeKey` of the Kubernetes API), by its name.
MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey",),
    "resourceClaims": ("name",),
    "ports": ("containerPort", "port"),
}


class CustomisationError(LateenError):
    """A ConfigMap that cannot be applied; the message says why."""


def customised(document: Document, overlays: Sequence[dict[str, str]]) -> Document | None:
    """The document with all overlays of its kind; None when it is made only with one."""
    kind = document["kind"]
    made = document
    for overlay in overlays:
        for name in overlay:
            if name not in OVERLAYS.values():
                known = ", ".join(sorted(OVERLAYS.values()))
                raise CustomisationError(f'unsupported overlay "{name}" (supported: {known})')
        if OVERLAYS[kind] in overlay:
            made = merged(made, _patch(OVERLAYS[kind], overlay[OVERLAYS[kind]]))
    if made is document:
        return None if kind in OPTIONAL else document
    before, after = document["metadata"], made.get("metadata") or {}
    for name in IDENTITY:
        if before.get(name) != after.get(name):
            raise CustomisationError(f"illegal metadata change: {OVERLAYS[kind]} sets {name}")
    if made.get("kind") != kind or made.get("apiVersion") != document["apiVersion"]:
        raise CustomisationError(f"illegal change of kind: {OVERLAYS[kind]}")
    return made


def _patch(name: str, text: str) -> Document:
    try:
        patch = yaml.safe_load(text)
    except yaml.YAMLError as wrong:
        raise CustomisationError(f"{name} is no YAML: {wrong}") from wrong
    if not isinstance(patch, dict):
        raise CustomisationError(f"{name} must be a map of fields")
    return patch


def merged(base: Document, patch: Document) -> Document:
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    made = dict(base)
    for key, value in patch.items():
        if value is None or (isinstance(value, dict) and value.get("$patch") == "delete"):
            made.pop(key, None)
        elif isinstance(value, dict) and isinstance(made.get(key), dict):
            made[key] = merged(made[key], value)
        elif isinstance(value, list) and isinstance(made.get(key), list):
            made[key] = _merged_list(key, made[key], value)
        else:
            made[key] = value
    return made


def _merged_list(field: str, base: list[Any], patch: list[Any]) -> list[Any]:
    names = MERGE_KEYS.get(field, ())
    if not names or not all(isinstance(item, dict) for item in (*base, *patch)):
        return patch
    if any(item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if "$patch" not in item]
    made = list(base)
    for item in patch:
        name = next((name for name in names if name in item), "")
        if not name:
            return patch
        place = next((i for i, old in enumerate(made) if old.get(name) == item[name]), None)
        if item.get("$patch") == "delete":
            made = [old for old in made if old.get(name) != item[name]]
        elif place is None:
            made.append(item)
        else:
            made[place] = merged(made[place], item)
    return made
