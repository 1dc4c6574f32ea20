"""Is a resource acceptable by itself: what an admission webhook would say.

`validate` looks at one resource that has the right structure already. Whether resources fit each
other (does the host exist, is the subset defined) is for `analyze`.
"""

from collections.abc import Callable
from typing import Any

from lateen.api.resource import Resource
from lateen.base.problem import Problem
from lateen.config.validation import (
    authentication,
    authorization_policy,
    config_map,
    destination_rule,
    envoy_filter,
    extensions,
    gateway,
    gateway_api,
    ingress,
    mesh_config,
    mesh_networks,
    network_policy,
    proxy_config,
    rate_limit,
    service_entry,
    sidecar,
    telemetry,
    virtual_service,
    workload,
)
from lateen.config.validation.oneofs import check_oneofs
from lateen.config.validation.report import Report

CHECKS: dict[str, Callable[[Resource[Any], Report], None]] = {
    "VirtualService": virtual_service.check,
    "DestinationRule": destination_rule.check,
    "Gateway": gateway.check,
    "ServiceEntry": service_entry.check,
    "WorkloadEntry": workload.check_entry,
    "WorkloadGroup": workload.check_group,
    "Sidecar": sidecar.check,
    "EnvoyFilter": envoy_filter.check,
    "ProxyConfig": proxy_config.check,
    "PeerAuthentication": authentication.check_peer,
    "RequestAuthentication": authentication.check_request,
    "AuthorizationPolicy": authorization_policy.check,
    "Telemetry": telemetry.check,
    "WasmPlugin": extensions.check_wasm_plugin,
    "TrafficExtension": extensions.check_traffic_extension,
    "RateLimit": rate_limit.check,
    "MeshConfig": mesh_config.check,
    "ConfigMap": config_map.check,
    "MeshNetworks": mesh_networks.check,
    "NetworkPolicy": network_policy.check,
    "Ingress": ingress.check,
    **gateway_api.CHECKS,
}


def validate(resource: Resource[Any]) -> tuple[Problem, ...]:
    """Errors and warnings, with the path of each and without a line: see `Document.located`."""
    check = CHECKS.get(resource.kind)
    if check is None:
        return ()
    report = Report()
    check_oneofs(report, resource.spec)
    check(resource, report)
    return tuple(report.problems)
