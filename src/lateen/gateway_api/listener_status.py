"""Conditions of listeners, and what they add up to for the object that has them."""

from collections.abc import Sequence
from typing import Any

from lateen.gateway_api import sources
from lateen.gateway_api.listeners import BoundListener

NO_ERRORS = "No errors found"
CONFLICT = "Listener has a conflict with another listener attached to the same Gateway"
AUTHORITY_REASONS = ("InvalidCACertificateRef", "InvalidCACertificateKind")


def condition(kind: str, reason: str, message: str, *, holds: bool = True) -> dict[str, str]:
    return {"type": kind, "status": str(holds), "reason": reason, "message": message}


def listeners_verdict(kind: str, listeners: Sequence[BoundListener]) -> dict[str, str]:
    """Whether the object is accepted: not when none of its listeners is valid."""
    invalid = [each for each in listeners if not is_accepted(each)]
    if not invalid or (kind != "Gateway" and len(invalid) < len(listeners)):
        return condition("Accepted", "Accepted", "Resource accepted")
    if len(invalid) == len(listeners):
        message = f"None of the {kind}'s listeners are valid"
        return condition("Accepted", "ListenersNotValid", message, holds=False)
    message = f"One or more of the {kind}'s listeners are invalid"
    return condition("Accepted", "ListenersNotValid", message)


def is_accepted(listener: BoundListener) -> bool:
    fault = listener.fault
    return not listener.conflict and (fault is None or fault.reason not in AUTHORITY_REASONS)


def listener_status(listener: BoundListener, attached: dict[str, int]) -> dict[str, Any]:
    return {
        "name": listener.name,
        "attachedRoutes": attached.get(f"{listener.owner.namespace}/{listener.internal}", 0),
        "supportedKinds": [{"group": sources.GROUP, "kind": kind} for kind in listener.kinds],
        "conditions": _conditions(listener),
    }


def _conditions(listener: BoundListener) -> list[dict[str, str]]:
    accepted = condition("Accepted", "Accepted", NO_ERRORS)
    conflicted = condition("Conflicted", "NoConflicts", NO_ERRORS, holds=False)
    programmed = condition("Programmed", "Programmed", NO_ERRORS)
    resolved = condition("ResolvedRefs", "ResolvedRefs", NO_ERRORS)
    if listener.conflict:
        return [
            condition("Accepted", listener.conflict, CONFLICT, holds=False),
            condition("Conflicted", listener.conflict, CONFLICT),
            condition("Programmed", listener.conflict, CONFLICT, holds=False),
        ]
    fault = listener.fault
    if fault is not None:
        resolved = condition("ResolvedRefs", fault.reason, fault.message, holds=False)
        programmed = condition("Programmed", "Invalid", "Bad TLS configuration", holds=False)
        if fault.reason in AUTHORITY_REASONS:
            message = fault.message
            accepted = condition("Accepted", "NoValidCACertificate", message, holds=False)
    return [accepted, conflicted, programmed, resolved]
