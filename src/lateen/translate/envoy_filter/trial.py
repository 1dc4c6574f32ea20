"""Applies patches one by one to an object: one that fails leaves it as it was, and is reported."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lateen.translate.envoy_filter.fault import PatchFault
from lateen.translate.envoy_filter.patch import Patch


@dataclass(frozen=True, slots=True)
class Failure:
    """A patch that was not applied to a resource."""

    patch: Patch
    fault: PatchFault


@dataclass(slots=True)
class Trial:
    """Owns the failures of one resource, and knows whether anything was changed."""

    failures: list[Failure] = field(default_factory=list)
    applied: dict[Patch, None] = field(default_factory=dict)  # what changed it, in order
    changed: bool = False

    def apply(self, patch: Patch, target: Any, change: Callable[[Any, Patch], object]) -> None:
        """`change` alters `target`; False: there was nothing to alter. A `PatchFault` undoes it."""
        before = type(target)()
        before.CopyFrom(target)
        try:
            done = change(target, patch)
        except PatchFault as fault:
            target.CopyFrom(before)
            self.failures.append(Failure(patch, fault))
            return
        if done is not False:
            self.applied[patch] = None
            self.changed = True
