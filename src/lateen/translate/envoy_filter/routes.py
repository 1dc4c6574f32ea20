"""ROUTE_CONFIGURATION, VIRTUAL_HOST and HTTP_ROUTE patches of one route configuration.

    the configuration   ->  each host   ->  each of its routes  ->  routes added  ->  hosts added

Hosts and routes that patches add are not patched themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lateen.api.envoy_filter import ApplyTo, Operation, PatchContext
from lateen.translate.envoy_filter import constraints, match, sequence
from lateen.translate.envoy_filter.fault import PatchFault
from lateen.translate.envoy_filter.match import TargetPorts
from lateen.translate.envoy_filter.merge import merge
from lateen.translate.envoy_filter.patch import Patch
from lateen.translate.envoy_filter.trial import Trial
from lateen.view.proxy import ProxyKind

KINDS = (ApplyTo.ROUTE_CONFIGURATION, ApplyTo.VIRTUAL_HOST, ApplyTo.HTTP_ROUTE)


def context_of(kind: ProxyKind) -> PatchContext:
    """Of routes that are fetched by name: inbound ones stand in their listener."""
    if kind is ProxyKind.ROUTER:
        return PatchContext.GATEWAY
    return PatchContext.WAYPOINT if kind is ProxyKind.WAYPOINT else PatchContext.SIDECAR_OUTBOUND


def concerning(
    patches: Iterable[Patch], name: str, context: PatchContext, target_ports: TargetPorts = ()
) -> tuple[Patch, ...]:
    """Those for a configuration of that name."""
    return tuple(
        patch
        for patch in patches
        if patch.apply_to in KINDS
        and match.in_context(patch, context)
        and match.is_route_configuration(patch, name, context, target_ports)
    )


def patch_routes(patches: tuple[Patch, ...], routes: Any, trial: Trial) -> None:
    """Changes the RouteConfiguration. The patches are those that concern it."""
    RoutePatching(patches, routes, trial).run()


@dataclass(slots=True)
class RoutePatching:
    """Owns the changes of one route configuration."""

    patches: tuple[Patch, ...]
    routes: Any
    trial: Trial

    def run(self) -> None:
        for patch in self._of(ApplyTo.ROUTE_CONFIGURATION):
            self.trial.apply(patch, self.routes, _merge)
        self._hosts()
        for patch in self._of(ApplyTo.VIRTUAL_HOST):
            if patch.operation is Operation.ADD:
                self.trial.apply(patch, self.routes, _add_host)

    def _of(self, apply_to: ApplyTo) -> Iterable[Patch]:
        return (patch for patch in self.patches if patch.apply_to is apply_to)

    def _hosts(self) -> None:
        gone = [at for at, host in enumerate(self.routes.virtual_hosts) if not self._is_kept(host)]
        for at in reversed(gone):
            del self.routes.virtual_hosts[at]
            self.trial.changed = True

    def _is_kept(self, host: Any) -> bool:
        for patch in self._of(ApplyTo.VIRTUAL_HOST):
            if patch.operation is Operation.ADD or not match.is_virtual_host(patch, host):
                continue
            if patch.operation is Operation.REMOVE:
                return False
            if patch.is_merge:
                self.trial.apply(patch, host, _merge)
            else:
                self.trial.apply(patch, host, _replace_host)
        self._routes_of(host)
        return True

    def _routes_of(self, host: Any) -> None:
        concerned = [
            patch for patch in self._of(ApplyTo.HTTP_ROUTE) if match.is_virtual_host(patch, host)
        ]
        if not concerned:
            return
        gone = [
            at for at, route in enumerate(host.routes) if not self._is_route_kept(concerned, route)
        ]
        for at in reversed(gone):
            del host.routes[at]
            self.trial.changed = True
        for patch in concerned:
            if not patch.is_merge and patch.operation is not Operation.REMOVE:
                self.trial.apply(patch, host, _insert)

    def _is_route_kept(self, patches: Iterable[Patch], route: Any) -> bool:
        for patch in patches:
            if not match.is_route(patch, route):
                continue
            if patch.operation is Operation.REMOVE:
                return False
            if patch.is_merge:
                self.trial.apply(patch, route, _merge)
        return True


def _add_host(routes: Any, patch: Patch) -> None:
    name = patch.message.name
    if any(host.name == name for host in routes.virtual_hosts):
        raise PatchFault(f"there is a virtual host {name} already", "choose another name")
    taken = {domain for host in routes.virtual_hosts for domain in host.domains}
    twice = taken.intersection(patch.message.domains)
    if twice:
        raise PatchFault(f"domain {min(twice)} has a virtual host already", "MERGE into that one")
    routes.virtual_hosts.append(patch.value())


def _replace_host(host: Any, patch: Patch) -> None:
    host.CopyFrom(patch.message)


def _merge(target: Any, patch: Patch) -> None:
    merge(target, patch.message, replaces_lists=patch.replaces_lists)
    constraints.require(target)


def _insert(host: Any, patch: Patch) -> bool:
    if not match.has_route_match(patch):
        return sequence.change(host.routes, patch.operation, patch.value(), None)

    def matches(route: Any) -> bool:
        return match.is_route(patch, route)

    first = patch.operation is Operation.INSERT_FIRST
    if first and sequence.first(host.routes, matches) is None:
        return False
    return sequence.change(host.routes, patch.operation, patch.value(), matches)
