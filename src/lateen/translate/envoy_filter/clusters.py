"""CLUSTER patches of one cluster, and the clusters that they add."""

from collections.abc import Iterable
from typing import Any

from lateen.api.envoy_filter import Operation, PatchContext
from lateen.translate import metadata, names
from lateen.translate.envoy_filter import constraints, match
from lateen.translate.envoy_filter.merge import merge, merge_named
from lateen.translate.envoy_filter.patch import Patch
from lateen.translate.envoy_filter.trial import Trial
from lateen.view.proxy import ProxyKind


def context_of(kind: ProxyKind, name: str) -> PatchContext:
    if kind is ProxyKind.ROUTER:
        return PatchContext.GATEWAY
    if kind is ProxyKind.WAYPOINT:
        return PatchContext.WAYPOINT
    if name.startswith("inbound|") or name == names.INBOUND_PASSTHROUGH_CLUSTER:
        return PatchContext.SIDECAR_INBOUND
    return PatchContext.SIDECAR_OUTBOUND


def may_concern(patches: Iterable[Patch], kind: ProxyKind, name: str) -> bool:
    """Whether the cluster must be looked at, by its name alone."""
    context = context_of(kind, name)
    is_inbound = name.startswith("inbound|")
    return any(
        patch.operation is not Operation.ADD
        and match.in_context(patch, context)
        and (is_inbound or match.is_cluster(patch, name))
        for patch in patches
    )


def patched(patches: Iterable[Patch], kind: ProxyKind, cluster: Any, trial: Trial) -> Any:
    """The cluster, changed in place; None when it is removed."""
    context = context_of(kind, cluster.name)
    hosts = _service_hosts(cluster)
    for patch in patches:
        if not match.in_context(patch, context):
            continue
        if not match.is_cluster(patch, cluster.name, hosts):
            continue
        if patch.operation is Operation.REMOVE:
            trial.changed = True
            return None
        if patch.is_merge:
            trial.apply(patch, cluster, _merge)
    return cluster


def _service_hosts(cluster: Any) -> tuple[str, ...]:
    """The services that its metadata names."""
    services = cluster.metadata.filter_metadata
    if metadata.ISTIO not in services:
        return ()
    listed = services[metadata.ISTIO].fields
    if "services" not in listed:
        return ()
    return tuple(
        each.struct_value.fields["host"].string_value
        for each in listed["services"].list_value.values
    )


def _merge(cluster: Any, patch: Patch) -> None:
    value = patch.value()
    if value.HasField("transport_socket"):
        _merge_socket(cluster, value.transport_socket, replaces_lists=patch.replaces_lists)
        value.ClearField("transport_socket")
    merge(cluster, value, replaces_lists=patch.replaces_lists)
    constraints.require(cluster)


def _merge_socket(cluster: Any, socket: Any, *, replaces_lists: bool) -> None:
    """Into the one of that name; a cluster that chooses among several has no other."""
    if cluster.transport_socket_matches:
        for each in cluster.transport_socket_matches:
            if each.transport_socket.name == socket.name:
                merge_named(each.transport_socket, socket, replaces_lists=replaces_lists)
                return
    elif cluster.HasField("transport_socket") and cluster.transport_socket.name == socket.name:
        merge_named(cluster.transport_socket, socket, replaces_lists=replaces_lists)
    else:
        cluster.transport_socket.CopyFrom(socket)


def added(patches: Iterable[Patch], kind: ProxyKind) -> dict[str, Patch]:
    """The first of each name."""
    contexts = _contexts(kind)
    found: dict[str, Patch] = {}
    for patch in patches:
        if patch.operation is Operation.ADD and patch.match.context in contexts:
            found.setdefault(patch.message.name, patch)
    return found


def _contexts(kind: ProxyKind) -> tuple[PatchContext, ...]:
    if kind is ProxyKind.ROUTER:
        return (PatchContext.ANY, PatchContext.GATEWAY)
    if kind is ProxyKind.WAYPOINT:
        return (PatchContext.ANY, PatchContext.WAYPOINT)
    return (PatchContext.ANY, PatchContext.SIDECAR_INBOUND, PatchContext.SIDECAR_OUTBOUND)
