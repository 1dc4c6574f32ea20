"""Conditions of listeners, and what they add up to for the object that has them."""

from collections.abc import Sequence
from typing import Any

from lateen.gateway_api import sources
from lateen.gateway_api.listeners import BoundListener

NO_ERRORS = "No errors found"
CONFLICT = "Listener has a conflict with another listener attached to the same Gateway"


def condition(kind: str, reason: str, message: str, *, holds: bool = True) -> dict[str, str]:
    return {"type": kind, "status": str(holds), "reason": reason, "message": message}


def listeners_verdict(kind: str, listeners: Sequence[BoundListener]) -> dict[str, str]:
    """Whether the object is accepted: not when none of its listeners is valid.

    A ListenerSet must have a listener with a certificate that it may use, a Gateway need not.
    """
    invalid = [
        each
        for each in listeners
        if not is_valid(each) or (kind != "Gateway" and each.fault is not None)
    ]
    if not invalid or (kind != "Gateway" and len(invalid) < len(listeners)):
        return condition("Accepted", "Accepted", "Resource accepted")
    if len(invalid) == len(listeners):
        message = f"None of the {kind}'s listeners are valid"
        return condition("Accepted", "ListenersNotValid", message, holds=False)
    message = f"One or more of the {kind}'s listeners are invalid"
    return condition("Accepted", "ListenersNotValid", message)


def is_valid(listener: BoundListener) -> bool:
    """As far as its Gateway is concerned: listeners of waypoints may look as they like."""
    if listener.conflict or (listener.unsupported and listener.takes_routes):
        return False
    return listener.fault is None or not listener.fault.of_authorities


def listener_status(listener: BoundListener, attached: dict[str, int]) -> dict[str, Any]:
    return {
        "name": listener.name,
        "attachedRoutes": attached.get(f"{listener.owner.namespace}/{listener.internal}", 0),
        "supportedKinds": [{"group": sources.GROUP, "kind": kind} for kind in listener.kinds],
        "conditions": _conditions(listener),
    }


def _conditions(listener: BoundListener) -> list[dict[str, str]]:
    if listener.conflict:
        made = [
            condition("Accepted", listener.conflict, CONFLICT, holds=False),
            condition("Conflicted", listener.conflict, CONFLICT),
            condition("Programmed", listener.conflict, CONFLICT, holds=False),
        ]
        return [*made, _resolved(listener)] if listener.unexpected_kinds else made
    conflicted = condition("Conflicted", "NoConflicts", NO_ERRORS, holds=False)
    programmed = condition("Programmed", "Programmed", NO_ERRORS)
    if listener.fault is not None:
        programmed = condition("Programmed", "Invalid", "Bad TLS configuration", holds=False)
    return [_accepted(listener), conflicted, programmed, _resolved(listener)]


def _accepted(listener: BoundListener) -> dict[str, str]:
    if listener.unsupported:
        return condition("Accepted", "UnsupportedProtocol", listener.unsupported, holds=False)
    fault = listener.fault
    if fault is not None and fault.of_authorities:
        return condition("Accepted", "NoValidCACertificate", fault.message, holds=False)
    return condition("Accepted", "Accepted", NO_ERRORS)


def _resolved(listener: BoundListener) -> dict[str, str]:
    if listener.unexpected_kinds:
        return condition("ResolvedRefs", "InvalidRouteKinds", "Invalid route kinds", holds=False)
    if listener.fault is not None:
        fault = listener.fault
        return condition("ResolvedRefs", fault.reason, fault.message, holds=False)
    return condition("ResolvedRefs", "ResolvedRefs", NO_ERRORS)
