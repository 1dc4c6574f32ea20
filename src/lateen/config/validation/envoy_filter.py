"""EnvoyFilter: does each patch say what, where and how. The patched values are not examined here:
that takes Envoy's own types."""

from lateen.api.envoy_filter import (
    ApplyTo,
    EnvoyConfigObjectMatch,
    EnvoyConfigObjectPatch,
    EnvoyFilter,
    FilterMatch,
    Operation,
    PatchContext,
)
from lateen.api.resource import Resource
from lateen.config.validation import re2
from lateen.config.validation.report import Report
from lateen.config.validation.selectors import check_networking_selector, check_targets

CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager"
LISTENER_CLASS = (
    ApplyTo.LISTENER,
    ApplyTo.FILTER_CHAIN,
    ApplyTo.NETWORK_FILTER,
    ApplyTo.HTTP_FILTER,
    ApplyTo.LISTENER_FILTER,
)
ROUTE_CLASS = (ApplyTo.ROUTE_CONFIGURATION, ApplyTo.VIRTUAL_HOST, ApplyTo.HTTP_ROUTE)
LONGEST_VERSION = 1024

DEPRECATED_NAMES = {
    "envoy.buffer": "envoy.filters.http.buffer",
    "envoy.client_ssl_auth": "envoy.filters.network.client_ssl_auth",
    "envoy.cors": "envoy.filters.http.cors",
    "envoy.csrf": "envoy.filters.http.csrf",
    "envoy.echo": "envoy.filters.network.echo",
    "envoy.ext_authz": "envoy.filters.http.ext_authz",
    "envoy.fault": "envoy.filters.http.fault",
    "envoy.grpc_http1_bridge": "envoy.filters.http.grpc_http1_bridge",
    "envoy.grpc_json_transcoder": "envoy.filters.http.grpc_json_transcoder",
    "envoy.grpc_web": "envoy.filters.http.grpc_web",
    "envoy.gzip": "envoy.filters.http.gzip",
    "envoy.health_check": "envoy.filters.http.health_check",
    "envoy.http_connection_manager": CONNECTION_MANAGER,
    "envoy.ip_tagging": "envoy.filters.http.ip_tagging",
    "envoy.listener.http_inspector": "envoy.filters.listener.http_inspector",
    "envoy.listener.original_dst": "envoy.filters.listener.original_dst",
    "envoy.listener.original_src": "envoy.filters.listener.original_src",
    "envoy.listener.proxy_protocol": "envoy.filters.listener.proxy_protocol",
    "envoy.listener.tls_inspector": "envoy.filters.listener.tls_inspector",
    "envoy.lua": "envoy.filters.http.lua",
    "envoy.mongo_proxy": "envoy.filters.network.mongo_proxy",
    "envoy.ratelimit": "envoy.filters.network.ratelimit",
    "envoy.rate_limit": "envoy.filters.http.ratelimit",
    "envoy.redis_proxy": "envoy.filters.network.redis_proxy",
    "envoy.router": "envoy.filters.http.router",
    "envoy.squash": "envoy.filters.http.squash",
    "envoy.tcp_proxy": "envoy.filters.network.tcp_proxy",
}


def check(resource: Resource[EnvoyFilter], report: Report) -> None:
    spec = resource.spec
    check_networking_selector(report, "spec.workloadSelector", spec.workload_selector)
    check_targets(
        report, selector=spec.workload_selector, target_ref=None, target_refs=spec.target_refs
    )
    for index, patch in enumerate(spec.config_patches):
        check_patch(report, f"spec.configPatches[{index}]", patch)


def check_patch(report: Report, path: str, patch: EnvoyConfigObjectPatch) -> None:
    if patch.apply_to is ApplyTo.INVALID:
        report.error(f"{path}.applyTo", "missing applyTo")
    if patch.patch is None:
        report.error(f"{path}.patch", "missing patch")
    elif patch.patch.operation is Operation.INVALID:
        report.error(f"{path}.patch.operation", "missing patch operation")
    elif patch.patch.operation is not Operation.REMOVE and patch.patch.value is None:
        report.error(f"{path}.patch.value", "missing patch value for non-remove operation")
    if patch.match is not None:
        check_match(report, f"{path}.match", patch.apply_to, patch.match)


def check_match(
    report: Report, path: str, apply_to: ApplyTo, match: EnvoyConfigObjectMatch
) -> None:
    check_version(report, path, match)
    on_waypoint = match.context is PatchContext.WAYPOINT
    others = (match.listener, match.route_configuration, match.cluster)
    if on_waypoint and any(other is not None for other in others):
        report.error(path, "only support waypointMatch when context is WAYPOINT", "use waypoint")
    if not on_waypoint and match.waypoint is not None:
        report.error(f"{path}.waypoint", "waypointMatch needs context WAYPOINT")
    elif not on_waypoint:
        check_object(report, path, apply_to, match)
    chain = match.listener.filter_chain if match.listener is not None else None
    if chain is not None and chain.filter is not None:
        check_filter(report, f"{path}.listener.filterChain.filter", apply_to, chain.filter)
    if match.waypoint is not None and match.waypoint.filter is not None:
        check_filter(report, f"{path}.waypoint.filter", apply_to, match.waypoint.filter)


def check_version(report: Report, path: str, match: EnvoyConfigObjectMatch) -> None:
    version = match.proxy.proxy_version if match.proxy is not None else ""
    where = f"{path}.proxy.proxyVersion"
    if len(version) > LONGEST_VERSION:
        report.warning(
            where, f"proxyVersion match exceeds {LONGEST_VERSION} characters and will be ignored"
        )
        return
    fault = re2.fault(version)
    if fault:
        report.error(where, f"invalid regex for proxy version, [{fault}]")


def check_object(
    report: Report, path: str, apply_to: ApplyTo, match: EnvoyConfigObjectMatch
) -> None:
    """The object that is matched is of the class that is patched."""
    wanted = ""
    if apply_to in LISTENER_CLASS:
        wanted = "listener"
    elif apply_to in ROUTE_CLASS:
        wanted = "routeConfiguration"
    elif apply_to is ApplyTo.CLUSTER:
        wanted = "cluster"
    given = {
        "listener": match.listener,
        "routeConfiguration": match.route_configuration,
        "cluster": match.cluster,
    }
    for name, value in given.items():
        if wanted and name != wanted and value is not None:
            report.error(
                f"{path}.{name}", f"applyTo {apply_to} cannot have a {name} match", f"use {wanted}"
            )


def check_filter(report: Report, path: str, apply_to: ApplyTo, match: FilterMatch) -> None:
    if not match.name:
        report.error(path, "filter match has no name to match on")
    warn_of_old_name(report, path, match.name)
    if match.sub_filter is None:
        return
    where = f"{path}.subFilter"
    if apply_to is not ApplyTo.HTTP_FILTER:
        report.error(where, "subfilter match can be used with applyTo HTTP_FILTER only")
    elif DEPRECATED_NAMES.get(match.name, match.name) != CONNECTION_MANAGER:
        report.error(where, f"subfilter match requires filter match with {CONNECTION_MANAGER}")
    elif not match.sub_filter.name:
        report.error(where, "subfilter match has no name to match on")
    warn_of_old_name(report, where, match.sub_filter.name)


def warn_of_old_name(report: Report, path: str, name: str) -> None:
    if name in DEPRECATED_NAMES:
        report.warning(
            f"{path}.name",
            f"using deprecated filter name {name}",
            f"use {DEPRECATED_NAMES[name]}",
            code="deprecated",
        )
