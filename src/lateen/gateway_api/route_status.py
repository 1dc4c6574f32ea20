"""Statuses of routes: for each parentRef whether it takes the route, and whether backends exist."""

from collections.abc import Iterable
from typing import Any

import msgspec

from lateen.api.gateway_api.references import ParentReference
from lateen.api.resource import Resource
from lateen.gateway_api import routes, sources
from lateen.gateway_api.attachment import MESH, Attachment
from lateen.gateway_api.listener_status import condition
from lateen.gateway_api.sources import Sources


def parents(mesh: Sources, route: Resource[Any]) -> list[dict[str, Any]]:
    """Of the route's status; what other controllers wrote stays."""
    made = routes.contribution(mesh, route.key)
    found = [
        (_order(_written(parent), route.namespace), _parent(parent, places, made))
        for parent, places in _grouped(made.attachments)
    ]
    found += [
        (_order(other.get("parentRef") or {}, route.namespace), other) for other in _others(route)
    ]
    return [status for _, status in sorted(found, key=lambda item: item[0], reverse=True)]


def _grouped(places: Iterable[Attachment]) -> list[tuple[ParentReference, list[Attachment]]]:
    groups: list[tuple[ParentReference, list[Attachment]]] = []
    for place in places:
        if not groups or groups[-1][0] is not place.parent:
            groups.append((place.parent, []))
        groups[-1][1].append(place)
    return groups


def _parent(
    parent: ParentReference, places: list[Attachment], made: routes.Contribution
) -> dict[str, Any]:
    fault = made.mesh_fault if places[0].gateway == MESH else made.fault
    resolved = condition("ResolvedRefs", "ResolvedRefs", "All references resolved")
    if fault is not None:
        resolved = condition("ResolvedRefs", fault.reason, fault.message, holds=False)
    return {
        "parentRef": _written(parent),
        "controllerName": sources.CONTROLLER,
        "conditions": [_accepted(places), resolved],
    }


def _accepted(places: list[Attachment]) -> dict[str, str]:
    """Listeners of one parent agree here: see `attachment`."""
    if places[0].accepted:
        many = f", bound to {len(places)} parents" if len(places) > 1 else ""
        return condition("Accepted", "Accepted", f"Route was valid{many}")
    messages = "; ".join(each.message for each in places)
    return condition("Accepted", places[0].reason, messages, holds=False)


def _others(route: Resource[Any]) -> list[dict[str, Any]]:
    written = route.status if isinstance(route.status, dict) else {}
    return [
        parent
        for parent in written.get("parents") or ()
        if parent.get("controllerName") != sources.CONTROLLER
    ]


def _order(parent: dict[str, Any], namespace: str) -> tuple[Any, ...]:
    return (
        parent.get("group", sources.GROUP),
        parent.get("kind", "Gateway"),
        parent.get("name", ""),
        parent.get("sectionName", ""),
        parent.get("port") or 0,
        parent.get("namespace", namespace),
    )


def _written(parent: ParentReference) -> dict[str, Any]:
    fields = msgspec.to_builtins(parent)
    return {
        name: value
        for name, value in fields.items()
        if value not in (None, "") or (name == "group" and value is not None)
    }
