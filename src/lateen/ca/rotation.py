"""Changing the root without breaking a connection: add, switch, remove.

    add      the next root is trusted beside the present one; nothing is signed below it yet
    switch   new leaves are signed below the next root; the old one stays trusted
    remove   the old root is trusted no more, its key is destroyed

Between two stages lies the life of a leaf, so that every proxy has heard of the next root before
the first of them shows a leaf below it, and none shows a leaf below the old one when it goes.
A step that would come too early is refused with the time at which it will not be.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from lateen.ca.errors import AuthorityError
from lateen.ca.trusted_roots import OWN, TrustedRoot, TrustState

ROTATE_AT_RATIO = 0.8  # of a root's life


class StepRefused(AuthorityError):
    """A step that would break working proxies, or that makes no sense now."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When rotation begins by itself. `at_age_seconds` 0: at 80 % of the root's life."""

    automatic: bool = True
    at_age_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class DueStep:
    name: str  # add, switch, remove
    root: str = ""  # its id
    at: float = 0.0


def successor(state: TrustState) -> TrustedRoot | None:
    """The own root that is to sign next."""
    signing = state.find(state.signing)
    if signing is None:
        return None
    waiting = [
        root
        for root in state.roots
        if root.source == OWN and not root.retired and root.id != state.signing
    ]
    return waiting[-1] if waiting else None


def check_add(state: TrustState) -> None:
    waiting = successor(state)
    if waiting is not None:
        raise StepRefused(
            f"the root {waiting.id} was added already; next: lateen ca rotate switch, "
            f"or lateen ca rotate remove {waiting.id}"
        )


def check_adopted(
    roots: Iterable[TrustedRoot], *, now: float, unaware: Iterable[str] | None
) -> None:
    """Refuses as long as somebody may not know the roots that are to sign.

    `unaware` are the connected proxies that have not confirmed them; None: that cannot be told.
    """
    latest = max((root.adopted for root in roots), default=0.0)
    if now >= latest:
        return
    missing = None if unaware is None else sorted(unaware)
    if missing == []:
        return
    who = (
        f"{len(missing)} connected proxies have not confirmed the new root "
        f"({', '.join(missing[:5])})"
        if missing
        else "it is not known which proxies have the new root"
    )
    raise StepRefused(
        f"{who}; all have it for certain at {moment(latest)}: wait until then, "
        "or add --force and break those that do not have it"
    )


def removable(state: TrustState, wanted: str) -> TrustedRoot:
    """The root whose id begins like this; without a name the one that signs no more."""
    matching = [
        root for root in state.roots if (root.id.startswith(wanted) if wanted else root.retired)
    ]
    if len(matching) != 1:
        known = ", ".join(root.id for root in state.roots)
        what = f"the root {wanted!r} names" if wanted else "there are"
        raise StepRefused(f"{what} {len(matching)} roots; name one of: {known}")
    return matching[0]


def check_remove(state: TrustState, root: TrustedRoot, *, now: float, force: bool) -> None:
    if root.id == state.signing:
        raise StepRefused(
            f"the root {root.id} signs; add another (lateen ca rotate add) and switch to it first"
        )
    if not root.retired and root.source != OWN:
        raise StepRefused(
            f"the root {root.id} belongs to the signer in force ({root.source}); "
            "take it out of the signer's roots instead"
        )
    if root.leaves_end > now and not force:
        raise StepRefused(
            f"certificates that chain to the root {root.id} live until "
            f"{moment(root.leaves_end)}; remove it after that, or add --force: proxies that "
            "still show such a certificate are refused until they have renewed it"
        )


def is_over(state: TrustState, root: TrustedRoot, now: float) -> bool:
    """Whether a root goes by itself now: another's when it has no leaves left, ours if that is
    how the rotation was begun; any when it has expired."""
    if root.id == state.signing:
        return False
    if root.loaded.not_valid_after_utc.timestamp() <= now:
        return True
    if not root.retired or root.leaves_end > now:
        return False
    return root.source != OWN or state.automatic


def next_step(state: TrustState, schedule: Schedule) -> DueStep | None:
    """What own roots are to do next by themselves, and when."""
    signing = state.find(state.signing)
    if signing is None:
        return None
    steps = [
        DueStep("remove", root.id, root.leaves_end)
        for root in state.roots
        if state.automatic and root.source == OWN and root.retired
    ]
    waiting = successor(state)
    if waiting is not None and state.automatic:
        steps.append(DueStep("switch", waiting.id, waiting.adopted))
    if waiting is None and schedule.automatic:
        steps.append(DueStep("add", at=_begins(signing, schedule)))
    return min(steps, key=lambda step: step.at, default=None)


def _begins(signing: TrustedRoot, schedule: Schedule) -> float:
    certificate = signing.loaded
    begins, ends = (
        certificate.not_valid_before_utc.timestamp(),
        certificate.not_valid_after_utc.timestamp(),
    )
    age = schedule.at_age_seconds or ROTATE_AT_RATIO * (ends - begins)
    return begins + age


def retired_except(state: TrustState, kept: Iterable[str], now: float) -> TrustState:
    """From now on these sign; all others stay trusted for as long as their leaves live."""
    signing = set(kept)
    roots = tuple(
        msgspec.structs.replace(root, retired=0.0 if root.id in signing else root.retired or now)
        for root in state.roots
    )
    return msgspec.structs.replace(state, roots=roots)


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
