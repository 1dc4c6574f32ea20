"""CUSTOM policies: an authorization service of the mesh decides (MeshConfig.extensionProviders).

    RBAC, shadow rules only    which requests the policies cover; writes its verdict as metadata
    ext_authz                  asks the service, where that metadata says so

A workload has one provider, or, where the mesh allows that, several: each has the two filters for
what its own policies cover, and all that are asked must agree. A provider that is unknown, or a
second one where that is not allowed, is a mistake that must not open doors: what the policies cover
is denied then. A provider that speaks HTTP cannot decide on TCP.
"""

from dataclasses import dataclass
from typing import Any

from lateen.api.extension_provider import (
    EnvoyExternalAuthorizationGrpcProvider as GrpcProvider,
)
from lateen.api.extension_provider import (
    EnvoyExternalAuthorizationHttpProvider as HttpProvider,
)
from lateen.api.extension_provider import EnvoyExternalAuthorizationRequestBody
from lateen.envoy import messages, types
from lateen.translate import names
from lateen.translate.authorization.values import string_matcher
from lateen.view import service
from lateen.view.mesh import Mesh

HTTP_EXT_AUTHZ = "envoy.filters.http.ext_authz"
NETWORK_EXT_AUTHZ = "envoy.filters.network.ext_authz"
SHADOW_PREFIX = "istio_ext_authz_"
POLICY_PREFIX = "istio-ext-authz"
VERDICT = f"{SHADOW_PREFIX}shadow_effective_policy_id"
DEFAULT_TIMEOUT_SECONDS = 600
TCP_STATISTICS = "tcp."


@dataclass(frozen=True)
class Provider:
    """A provider that can be called."""

    name: str
    settings: GrpcProvider | HttpProvider
    hostname: str
    is_only: bool = True

    @property
    def cluster(self) -> str:
        return names.outbound_cluster(self.settings.port, "", self.hostname)

    @property
    def policy_prefix(self) -> str:
        return f"{POLICY_PREFIX}-{self.name}"

    @property
    def verdict_prefix(self) -> str:
        """Of the policies of this provider alone, where another's name may begin like its own."""
        return self.policy_prefix if self.is_only else f"{self.policy_prefix}-ns["


def find_provider(mesh: Mesh, name: str) -> Provider | None:
    """None: no authorization provider has that name, or nobody knows its service."""
    for each in mesh.config.extension_providers:
        settings = each.envoy_ext_authz_grpc or each.envoy_ext_authz_http
        if each.name == name and settings is not None:
            hostname = _find_host(mesh, settings.service)
            return Provider(name, settings, hostname) if hostname else None
    return None


def _find_host(mesh: Mesh, written: str) -> str:
    """The hostname of `[namespace/]host`, when some service has it."""
    namespace, slash, host = written.rpartition("/")
    if slash:
        return host if service.service(mesh, host, namespace) is not None else ""
    return host if service.namespaces(mesh, host) else ""


def speaks_tcp(provider: Provider) -> bool:
    return isinstance(provider.settings, GrpcProvider)


# -- filters -----------------------------------------------------------------------------------


def http_filter(provider: Provider) -> Any:
    settings = provider.settings
    config = types.ExtAuthz(transport_api_version="V3", failure_mode_allow=settings.fail_open)
    config.clear_route_cache = settings.clear_route_cache
    if settings.status_on_error.isdecimal():
        config.status_on_error.code = int(settings.status_on_error)
    if settings.include_request_body_in_check is not None:
        _set_body(config.with_request_body, settings.include_request_body_in_check)
    if isinstance(settings, GrpcProvider):
        _set_grpc(config.grpc_service, provider)
    else:
        _set_http(config, provider, settings)
    _set_enabled(config.filter_enabled_metadata, "envoy.filters.http.rbac", provider)
    made = types.HttpFilter(name=HTTP_EXT_AUTHZ)
    made.typed_config.CopyFrom(messages.pack(config))
    return made


def network_filter(provider: Provider) -> Any:
    config = types.NetworkExtAuthz(
        stat_prefix=TCP_STATISTICS,
        transport_api_version="V3",
        failure_mode_allow=provider.settings.fail_open,
    )
    _set_grpc(config.grpc_service, provider)
    _set_enabled(config.filter_enabled_metadata, "envoy.filters.network.rbac", provider)
    made = types.Filter(name=NETWORK_EXT_AUTHZ)
    made.typed_config.CopyFrom(messages.pack(config))
    return made


def _timeout(provider: Provider) -> Any:
    given = provider.settings.timeout
    return messages.duration(given) if given else messages.seconds(DEFAULT_TIMEOUT_SECONDS)


def _set_enabled(matcher: Any, filter_name: str, provider: Provider) -> None:
    matcher.filter = filter_name
    matcher.path.add(key=VERDICT)
    matcher.value.string_match.prefix = provider.verdict_prefix


def _set_body(target: Any, body: EnvoyExternalAuthorizationRequestBody) -> None:
    target.max_request_bytes = body.max_request_bytes
    target.allow_partial_message = body.allow_partial_message
    target.pack_as_bytes = body.pack_as_bytes


def _set_grpc(target: Any, provider: Provider) -> None:
    target.envoy_grpc.cluster_name = provider.cluster
    target.envoy_grpc.authority = provider.hostname
    target.timeout.CopyFrom(_timeout(provider))


def _set_http(config: Any, provider: Provider, settings: HttpProvider) -> None:
    server = config.http_service.server_uri
    server.uri = f"http://{provider.hostname}"
    server.cluster = provider.cluster
    server.timeout.CopyFrom(_timeout(provider))
    config.http_service.path_prefix = settings.path_prefix
    included = settings.include_request_headers_in_check or settings.include_headers_in_check
    _set_headers(config.allowed_headers, included)
    request = config.http_service.authorization_request
    for name, value in sorted(settings.include_additional_headers_in_check.items()):
        request.headers_to_add.add(key=name, value=value)
    response = config.http_service.authorization_response
    _set_headers(response.allowed_upstream_headers, settings.headers_to_upstream_on_allow)
    _set_headers(response.allowed_client_headers, settings.headers_to_downstream_on_deny)
    _set_headers(
        response.allowed_client_headers_on_success, settings.headers_to_downstream_on_allow
    )


def _set_headers(target: Any, headers: tuple[str, ...]) -> None:
    if headers:  # an empty list of patterns would be refused
        target.patterns.extend(string_matcher(header, ignore_case=True) for header in headers)
