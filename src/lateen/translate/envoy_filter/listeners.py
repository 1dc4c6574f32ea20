"""Patches of one listener and of all that is in it.

    listener  ->  listener filters  ->  each chain  ->  network filters added, then merged
                                                    ->  HTTP filters added, then merged
              ->  chains added

Chains that patches add are not patched themselves; filters are. A connection manager that holds
its routes itself (inbound ones do) has them patched as if they had been fetched.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lateen.api.envoy_filter import ApplyTo, Operation, PatchContext
from lateen.envoy import messages, types
from lateen.translate.envoy_filter import (
    constraints,
    extensions,
    match,
    routes,
    sequence,
    terminal,
)
from lateen.translate.envoy_filter.fault import PatchFault
from lateen.translate.envoy_filter.merge import merge, merge_named
from lateen.translate.envoy_filter.patch import Patch
from lateen.translate.envoy_filter.trial import Trial
from lateen.view.proxy import ProxyKind

KINDS = (
    ApplyTo.LISTENER,
    ApplyTo.LISTENER_FILTER,
    ApplyTo.FILTER_CHAIN,
    ApplyTo.NETWORK_FILTER,
    ApplyTo.HTTP_FILTER,
    *routes.KINDS,
)
MANAGER = messages.TYPE_PREFIX + types.FULL_NAMES["HttpConnectionManager"]
INBOUND = "INBOUND"


def context_of(kind: ProxyKind, listener: Any) -> PatchContext:
    if kind is ProxyKind.ROUTER:
        return PatchContext.GATEWAY
    if kind is ProxyKind.WAYPOINT:
        return PatchContext.WAYPOINT
    if listener.traffic_direction == types.Listener(traffic_direction=INBOUND).traffic_direction:
        return PatchContext.SIDECAR_INBOUND
    return PatchContext.SIDECAR_OUTBOUND


def patched(patches: Iterable[Patch], kind: ProxyKind, listener: Any, trial: Trial) -> Any:
    """The listener, changed in place; None when it is removed."""
    context = context_of(kind, listener)
    concerned = tuple(
        patch
        for patch in patches
        if match.in_context(patch, context)
        and (patch.apply_to in routes.KINDS or match.is_listener(patch, listener))
    )
    if not concerned:
        return listener
    return ListenerPatching(concerned, context, listener, trial).run()


def added(patches: Iterable[Patch], kind: ProxyKind) -> dict[str, Patch]:
    """The listeners that patches add; the first of each name."""
    contexts = {
        ProxyKind.ROUTER: (PatchContext.ANY, PatchContext.GATEWAY),
        ProxyKind.WAYPOINT: (PatchContext.ANY, PatchContext.WAYPOINT),
    }.get(kind, (PatchContext.ANY, PatchContext.SIDECAR_INBOUND, PatchContext.SIDECAR_OUTBOUND))
    found: dict[str, Patch] = {}
    for patch in patches:
        is_added = patch.apply_to is ApplyTo.LISTENER and patch.operation is Operation.ADD
        if is_added and patch.match.context in contexts:
            found.setdefault(patch.message.name, patch)
    return found


@dataclass(slots=True)
class ListenerPatching:
    """Owns the changes of one listener."""

    patches: tuple[Patch, ...]  # those that concern it
    context: PatchContext
    listener: Any
    trial: Trial

    def run(self) -> Any:
        for patch in self._of(ApplyTo.LISTENER):
            if patch.operation is Operation.REMOVE:
                self.trial.changed = True
                return None
            if patch.is_merge:
                self.trial.apply(patch, self.listener, _merge)
        for patch in self._of(ApplyTo.LISTENER_FILTER):
            self.trial.apply(patch, self.listener, _listener_filter)
        self._chains()
        for patch in self._of(ApplyTo.FILTER_CHAIN):
            if patch.operation is Operation.ADD:
                self.trial.apply(patch, self.listener, _add_chain)
        return self.listener

    def _of(self, apply_to: ApplyTo) -> Iterator[Patch]:
        return (patch for patch in self.patches if patch.apply_to is apply_to)

    # -- chains

    def _chains(self) -> None:
        gone = [
            at for at, chain in enumerate(self.listener.filter_chains) if not self._is_kept(chain)
        ]
        for at in reversed(gone):
            del self.listener.filter_chains[at]
        default = self.listener.HasField("default_filter_chain")
        if default and not self._is_kept(self.listener.default_filter_chain):
            self.listener.ClearField("default_filter_chain")
            self.trial.changed = True
        self.trial.changed = self.trial.changed or bool(gone)

    def _is_kept(self, chain: Any) -> bool:
        concerned = tuple(
            patch
            for patch in self.patches
            if patch.apply_to in routes.KINDS or match.is_chain(patch, self.listener, chain)
        )
        for patch in concerned:
            if patch.apply_to is not ApplyTo.FILTER_CHAIN:
                continue
            if patch.operation is Operation.REMOVE:
                return False
            if patch.is_merge:
                self.trial.apply(patch, chain, _merge_chain)
        self._inline_routes(chain)
        self._network_filters(chain, [p for p in concerned if p.apply_to is ApplyTo.NETWORK_FILTER])
        self._http_filters(chain, [p for p in concerned if p.apply_to is ApplyTo.HTTP_FILTER])
        return True

    def _network_filters(self, chain: Any, patches: list[Patch]) -> None:
        for patch in patches:
            if not patch.is_merge:
                self.trial.apply(patch, chain, _change_filters)
        for each in chain.filters:
            for patch in patches:
                if patch.is_merge and match.is_network_filter(patch, each):
                    self.trial.apply(patch, each, _merge_filter)

    # -- inside a connection manager

    def _http_filters(self, chain: Any, patches: list[Patch]) -> None:
        for each in chain.filters:
            concerned = [patch for patch in patches if match.is_network_filter(patch, each)]
            if not concerned or each.typed_config.type_url != MANAGER:
                continue
            manager = messages.unpack(each.typed_config)
            for patch in concerned:
                if not patch.is_merge:
                    self.trial.apply(patch, manager, _change_http)
            for http_filter in manager.http_filters:
                for patch in concerned:
                    if patch.is_merge and match.is_http_filter(patch, http_filter):
                        self.trial.apply(patch, http_filter, _merge_http_filter)
            each.typed_config.CopyFrom(messages.pack(manager))

    def _inline_routes(self, chain: Any) -> None:
        for each in chain.filters:
            if each.typed_config.type_url != MANAGER:
                continue
            if not any(patch.apply_to in routes.KINDS for patch in self.patches):
                return
            manager = messages.unpack(each.typed_config)
            name = manager.route_config.name
            concerned = routes.concerning(self.patches, name, self.context)
            if manager.HasField("route_config") and concerned:
                routes.patch_routes(concerned, manager.route_config, self.trial)
                each.typed_config.CopyFrom(messages.pack(manager))


def _merge(listener: Any, patch: Patch) -> None:
    merge(listener, patch.message, replaces_lists=patch.replaces_lists)
    constraints.require(listener)


def _listener_filter(listener: Any, patch: Patch) -> bool:
    name = match.listener_filter_name(patch)

    def matches(each: Any) -> bool:
        return not name or extensions.is_named(name, each.name)

    filters = listener.listener_filters
    if not patch.is_merge:
        value = patch.value()
        return sequence.change(filters, patch.operation, value, matches if name else None)
    merged = [each for each in filters if matches(each)]
    for each in merged:
        _merge_filter(each, patch)
    return bool(merged)


def _add_chain(listener: Any, patch: Patch) -> None:
    name = patch.message.name
    if name and any(chain.name == name for chain in listener.filter_chains):
        raise PatchFault(f"there is a filter chain {name} already", "choose another name")
    listener.filter_chains.append(patch.value())


def _merge_chain(chain: Any, patch: Patch) -> None:
    value = patch.value()
    sockets = chain.HasField("transport_socket") and value.HasField("transport_socket")
    if sockets and chain.transport_socket.name == value.transport_socket.name:
        merge_named(
            chain.transport_socket, value.transport_socket, replaces_lists=patch.replaces_lists
        )
        value.ClearField("transport_socket")
    elif sockets:
        chain.ClearField("transport_socket")
    merge(chain, value, replaces_lists=patch.replaces_lists)
    constraints.require(chain)


def _merge_filter(target: Any, patch: Patch) -> None:
    merge_named(target, patch.message, replaces_lists=patch.replaces_lists)
    constraints.require(target)


def _merge_http_filter(target: Any, patch: Patch) -> None:
    """Filters that few requests need are generated `disabled`: one that is given settings acts,
    unless the patch itself says that it is off."""
    _merge_filter(target, patch)
    if patch.message.HasField("typed_config"):
        target.disabled = patch.message.disabled


def _change_filters(chain: Any, patch: Patch) -> bool:
    def matches(each: Any) -> bool:
        return match.is_network_filter(patch, each)

    named = bool(match.network_filter_name(patch))
    done = sequence.change(
        chain.filters, patch.operation, patch.value(), matches if named else None
    )
    terminal.require_network(chain.filters)
    return done


def _change_http(manager: Any, patch: Patch) -> bool:
    name = match.http_filter_name(patch)

    def matches(each: Any) -> bool:
        return match.is_http_filter(patch, each)

    done = sequence.change(
        manager.http_filters,
        patch.operation,
        patch.value(),
        matches if name else None,
        stand_in=lambda: extensions.place_of_absent(name, manager.http_filters),
    )
    terminal.require_http(manager.http_filters)
    return done
