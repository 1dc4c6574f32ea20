"""The patches of an EnvoyFilter, read once into what applying them needs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lateen.api.envoy_filter import (
    ApplyTo,
    EnvoyConfigObjectMatch,
    EnvoyConfigObjectPatch,
    Operation,
)
from lateen.api.resource import Key
from lateen.base.incremental import derived
from lateen.base.problem import Problem, Severity
from lateen.translate.envoy_filter import constraints, extensions, security, value
from lateen.translate.envoy_filter.fault import PatchFault
from lateen.view.envoy_filter import Selected, digest
from lateen.view.mesh import Mesh
from lateen.view.proxy import PatchName

MATCH_ALL = EnvoyConfigObjectMatch()
MERGES = (Operation.MERGE, Operation.MERGE_AND_REPLACE_LIST)
INSERTS = (Operation.INSERT_BEFORE, Operation.INSERT_AFTER, Operation.INSERT_FIRST)
ORDERED = (  # lists in which a place can be chosen; elsewhere an insertion is an addition
    ApplyTo.LISTENER_FILTER,
    ApplyTo.NETWORK_FILTER,
    ApplyTo.HTTP_FILTER,
    ApplyTo.HTTP_ROUTE,
)
FILTERS = (ApplyTo.LISTENER_FILTER, ApplyTo.NETWORK_FILTER, ApplyTo.HTTP_FILTER)
ALLOWED = {
    ApplyTo.ROUTE_CONFIGURATION: MERGES,
    ApplyTo.EXTENSION_CONFIG: (Operation.ADD,),
    ApplyTo.LISTENER: (*MERGES, Operation.ADD, Operation.REMOVE),
    ApplyTo.FILTER_CHAIN: (*MERGES, Operation.ADD, Operation.REMOVE),
    ApplyTo.CLUSTER: (*MERGES, Operation.ADD, Operation.REMOVE),
    ApplyTo.VIRTUAL_HOST: (*MERGES, Operation.ADD, Operation.REMOVE, Operation.REPLACE),
}


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """One of `configPatches`. `message` is None for REMOVE; nobody changes it."""

    owner: Key
    index: int
    apply_to: ApplyTo
    operation: Operation
    match: EnvoyConfigObjectMatch
    message: Any
    name: PatchName
    is_guard: bool = False  # decides who may pass: never left out because of a proxy's word

    @property
    def is_merge(self) -> bool:
        return self.operation in MERGES

    @property
    def replaces_lists(self) -> bool:
        return self.operation is Operation.MERGE_AND_REPLACE_LIST

    def value(self) -> Any:
        """A copy that may be put into a resource; None for REMOVE."""
        if self.message is None:
            return None
        copy = type(self.message)()
        copy.CopyFrom(self.message)
        return copy


@dataclass(frozen=True, slots=True)
class Reading:
    """Patches by their place in `configPatches`, without those that cannot be applied."""

    patches: dict[int, Patch]
    problems: tuple[Problem, ...]


@derived
def reading(mesh: Mesh, key: Key) -> Reading:
    """An EnvoyFilter's patches and what is wrong with them."""
    resource = mesh.resource(key)
    patches: dict[int, Patch] = {}
    found: list[Problem] = []
    for index, written in enumerate(resource.spec.config_patches if resource is not None else ()):
        try:
            made = _patch(key, index, written)
        except PatchFault as fault:
            found.append(problem(mesh, key, index, fault))
            continue
        if made is not None:
            patches[index] = made
            found.extend(_warnings(mesh, made))
    return Reading(patches, tuple(found))


@derived
def patches(
    mesh: Mesh, selection: tuple[Selected, ...], kinds: tuple[ApplyTo, ...]
) -> tuple[Patch, ...]:
    """Those of the kinds, in order of application."""
    return tuple(_of(mesh, selection, kinds))


def _of(mesh: Mesh, selection: tuple[Selected, ...], kinds: tuple[ApplyTo, ...]) -> Iterator[Patch]:
    for selected in selection:
        made = reading(mesh, selected.key).patches
        for index in selected.patches:
            if index in made and made[index].apply_to in kinds:
                yield made[index]


def _patch(key: Key, index: int, written: EnvoyConfigObjectPatch) -> Patch | None:
    apply_to, patch = written.apply_to, written.patch
    if patch is None or ApplyTo.INVALID is apply_to or Operation.INVALID is patch.operation:
        return None  # validation has reported it
    operation = patch.operation
    if operation in INSERTS and apply_to not in ORDERED:
        operation = Operation.ADD
    allowed = ALLOWED.get(apply_to)
    if allowed is not None and operation not in allowed:
        names = ", ".join(allowed)
        raise PatchFault(f"{operation} cannot be done to a {apply_to}", f"use one of {names}")
    name = PatchName(key, index, digest(written))
    made = Patch(key, index, apply_to, operation, written.match or MATCH_ALL, None, name)
    _require_present(made)
    if operation is Operation.REMOVE:
        return made
    if patch.value is None:
        return None  # likewise
    message = value.decoded(apply_to, patch.value)
    if operation not in MERGES:
        constraints.require(message)
    return replace(made, message=message, is_guard=security.guards(message))


def _require_present(patch: Patch) -> None:
    """What is changed can be there: some filters only Istio's proxy has."""
    if patch.operation in INSERTS or patch.operation is Operation.ADD:
        return
    listener = patch.match.listener
    chain = listener.filter_chain if listener is not None else None
    filter_match = chain.filter if chain is not None else None
    names = [listener.listener_filter] if listener is not None else []
    if filter_match is not None:
        inner = filter_match.sub_filter
        names += [filter_match.name, inner.name if inner is not None else ""]
    for name in names:
        hint = extensions.replacement(name)
        if hint:
            raise PatchFault(f"there is no {name} to {patch.operation}", hint)


def _warnings(mesh: Mesh, patch: Patch) -> Iterator[Problem]:
    if patch.apply_to is ApplyTo.BOOTSTRAP:
        fault = PatchFault(
            "patches of the bootstrap are not applied",
            "the bootstrap is made before EnvoyFilters are known",
        )
        yield problem(
            mesh, patch.owner, patch.index, fault, code="envoy-filter", severity=Severity.WARNING
        )
    reason = security.concern(patch.apply_to, patch.operation, patch.match, patch.message)
    if reason:
        fault = PatchFault(reason, "make sure that this is what you want")
        yield problem(
            mesh, patch.owner, patch.index, fault,
            code="envoy-filter-security", severity=Severity.WARNING,
        )  # fmt: skip


def problem(
    mesh: Mesh,
    key: Key,
    index: int,
    fault: PatchFault,
    *,
    code: str = "envoy-filter",
    severity: Severity = Severity.ERROR,
    place: str = "",
) -> Problem:
    """The fault as a finding; `place` names the resource that stays unpatched."""
    origin = mesh.origin(key)
    return Problem(
        code=code,
        message=f"{place}: {fault}" if place else str(fault),
        severity=severity,
        resource=str(key),
        path=f"spec.configPatches[{index}]",
        file=origin.file,
        line=origin.line,
        hint=fault.hint,
    )
