"""What the control plane tells the audit trail about configuration.

Objects that only say how workloads do (Pods, endpoints) are no configuration: they change all day
and their files are not written by people.
"""

import hashlib
from collections.abc import Iterable, Iterator

import msgspec

from lateen.api.resource import Change, Resource
from lateen.audit.event import Action, Decision, Event
from lateen.base.problem import Problem, Severity

STATE_KINDS = frozenset(("Pod", "Endpoints", "EndpointSlice", "Node", "Lease"))
SECRET = "Secret"


def applied(changes: Iterable[Change]) -> Iterator[Event]:
    """Objects that are in force from now on, or no longer."""
    for change in changes:
        if change.key.kind in STATE_KINDS:
            continue
        found = change.resource
        if found is None:
            yield Event(Action.CONFIGURATION_DELETED, Decision.ACCEPTED, object=str(change.key))
            continue
        yield Event(
            Action.CONFIGURATION,
            Decision.ACCEPTED,
            object=str(change.key),
            detail={"file": str(found.origin), **_digest(found)},
        )


def refused(problems: Iterable[Problem]) -> Iterator[Event]:
    """Objects whose new version is not in force; their last good one is."""
    for problem in problems:
        if problem.severity is not Severity.ERROR:
            continue
        is_secret = problem.resource.startswith(SECRET)  # whose message may quote it
        yield Event(
            Action.CONFIGURATION,
            Decision.REFUSED,
            object=problem.resource,
            reason=problem.code if is_secret else f"{problem.code}: {problem.message}",
            detail={"file": f"{problem.file}:{problem.line}", "path": problem.path},
        )


def _digest(resource: Resource[object]) -> dict[str, str]:
    """Of the object's labels, annotations and spec as they are understood. Not of a Secret: the
    digest of a short one gives it away."""
    if resource.kind == SECRET:
        return {}
    meta = resource.meta
    told = (meta.labels, meta.annotations, resource.spec)
    plain = msgspec.to_builtins(told, enc_hook=str, str_keys=True)  # ports are keys too
    content = msgspec.json.encode(plain, order="sorted")
    return {"sha256": hashlib.sha256(content).hexdigest()}
