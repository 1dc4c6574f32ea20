"""Kinds of the Kubernetes Gateway API, as the schemas and rules of their definitions check them.

What a cluster would refuse is refused here too, with the same words where they say enough. Whether
references lead anywhere is not looked at: that is what statuses tell.
"""

from collections.abc import Callable
from typing import Any

from lateen.api.resource import Resource
from lateen.config.validation.gateway_api import (
    gateways,
    grants,
    grpc_routes,
    http_routes,
    policies,
    stream_routes,
)
from lateen.config.validation.report import Report

CHECKS: dict[str, Callable[[Resource[Any], Report], None]] = {
    "GatewayClass": gateways.check_class,
    "Gateway.gateway.networking.k8s.io": gateways.check_gateway,
    "ListenerSet": gateways.check_listener_set,
    "HTTPRoute": http_routes.check,
    "GRPCRoute": grpc_routes.check,
    "TLSRoute": stream_routes.check_tls,
    "TCPRoute": stream_routes.check_tcp,
    "UDPRoute": stream_routes.check_tcp,
    "ReferenceGrant": grants.check,
    "BackendTLSPolicy": policies.check_backend_tls,
    "XBackendTrafficPolicy": policies.check_traffic,
    "XBackend": policies.check_backend,
    "InferencePool": policies.check_inference_pool,
}
