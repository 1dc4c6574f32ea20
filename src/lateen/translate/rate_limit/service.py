"""Whom global limits ask, and how: a service of the mesh, called as all services are called.

With the mesh's own identities where the service has one; see `clusters`.
"""

from dataclasses import dataclass
from typing import Any

from lateen.api.duration import UNITS, Duration
from lateen.api.rate_limit import SERVICE_NAME, FailureMode, RateLimit
from lateen.envoy import messages
from lateen.view import hosts
from lateen.view.mesh import Mesh

CLUSTER_PREFIX = "rate-limit|"
TIMEOUT = Duration(100 * UNITS["ms"])  # Envoy's own 20 ms are few for a service that asks a store


@dataclass(frozen=True, slots=True)
class Service:
    """What the filters of several RateLimits must agree in to be one filter."""

    cluster: str
    authority: str
    domain: str
    timeout: Duration
    denies_on_failure: bool


def service(mesh: Mesh, spec: RateLimit, namespace: str) -> Service:
    written = spec.service
    host = service_host(mesh, spec, namespace)
    return Service(
        cluster=f"{CLUSTER_PREFIX}{written.port}||{host}",
        authority=host,
        domain=written.domain,
        timeout=written.timeout if written.timeout is not None else TIMEOUT,
        denies_on_failure=written.failure_mode is FailureMode.DENY,
    )


def service_host(mesh: Mesh, spec: RateLimit, namespace: str) -> str:
    if spec.service.host:
        return hosts.qualified(spec.service.host, namespace, mesh.domain)
    return f"{SERVICE_NAME}.{mesh.root_namespace}.svc.{mesh.domain}"


def set_service(config: Any, asked: Service) -> None:
    """The fields that the HTTP and the network filter share."""
    config.domain = asked.domain
    config.timeout.CopyFrom(messages.duration(asked.timeout))
    config.failure_mode_deny = asked.denies_on_failure
    config.rate_limit_service.transport_api_version = "V3"
    grpc = config.rate_limit_service.grpc_service
    grpc.envoy_grpc.cluster_name = asked.cluster
    grpc.envoy_grpc.authority = asked.authority
    grpc.timeout.CopyFrom(messages.duration(asked.timeout))
