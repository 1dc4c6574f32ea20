"""Where connection managers send spans: the tracing provider that the mesh selects.

`defaultProviders.tracing` names one of `extensionProviders`; without it, an explicit
`defaultConfig.tracing.zipkin.address` counts. Without any, no request is traced. Neither is one by
a proxy that cannot see the provider's service: Envoy refuses a tracer whose cluster it lacks.
"""

from typing import Any

from lateen.api.extension_provider import ExtensionProvider, ZipkinTracingProvider
from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.translate import names
from lateen.view.mesh import Mesh
from lateen.view.scope import OutboundScope, find_service

ZIPKIN = "envoy.tracers.zipkin"
OPENTELEMETRY = "envoy.tracers.opentelemetry"
DEFAULT_SAMPLING = 1.0  # percent of requests that nobody asked to trace
ALWAYS = 100.0
ZIPKIN_PATH = "/api/v2/spans"
OTLP_SERVICE = "istio"


def add_tracing(manager: Any, mesh: Mesh, scope: OutboundScope, *, operation: str) -> None:
    """Gives an HttpConnectionManager its tracing settings, if the mesh has a provider."""
    settings = _settings(mesh, scope)
    if settings is None:
        return
    manager.tracing.MergeFromString(settings)
    if operation == "INGRESS":
        manager.tracing.spawn_upstream_span.value = False


@derived
def _settings(mesh: Mesh, scope: OutboundScope) -> bytes | None:
    config = mesh.config
    if not config.enable_tracing:
        return None
    provider = _provider(mesh)
    if provider is None:
        return None
    made = types.HcmTracing()
    if not _set_provider(made, mesh, scope, provider):
        return None
    tracing = config.default_config.tracing if config.default_config is not None else None
    made.client_sampling.value = ALWAYS
    made.overall_sampling.value = ALWAYS
    made.random_sampling.value = (tracing.sampling if tracing else 0.0) or DEFAULT_SAMPLING
    if tracing is not None and tracing.max_path_tag_length:
        made.max_path_tag_length.value = tracing.max_path_tag_length
    for name, tag in sorted(tracing.custom_tags.items()) if tracing is not None else ():
        _add_tag(made.custom_tags.add(tag=name), tag)
    return messages.serialize(made)


def _provider(mesh: Mesh) -> ExtensionProvider | None:
    config = mesh.config
    chosen = config.default_providers.tracing if config.default_providers is not None else ()
    for name in chosen:
        return next((item for item in config.extension_providers if item.name == name), None)
    tracing = config.default_config.tracing if config.default_config is not None else None
    if tracing is None or tracing.zipkin is None or not tracing.zipkin.address:
        return None
    host, _, port = tracing.zipkin.address.rpartition(":")
    if not host or not port.isdecimal():
        return None
    return ExtensionProvider(zipkin=ZipkinTracingProvider(service=host, port=int(port)))


def _set_provider(made: Any, mesh: Mesh, scope: OutboundScope, provider: ExtensionProvider) -> bool:
    """False when the provider is of no kind that Envoy has, or its service is unknown."""
    if provider.zipkin is not None:
        cluster = provider_cluster(mesh, scope, provider.zipkin.service, provider.zipkin.port)
        if cluster is None:
            return False
        zipkin = types.ZipkinConfig(
            collector_cluster=cluster,
            collector_endpoint=provider.zipkin.path or ZIPKIN_PATH,
            collector_endpoint_version="HTTP_JSON",
            trace_id_128bit=True,
        )
        zipkin.shared_span_context.value = False
        return _pack(made, ZIPKIN, zipkin)
    if provider.opentelemetry is not None:
        wanted = provider.opentelemetry
        cluster = provider_cluster(mesh, scope, wanted.service, wanted.port)
        if cluster is None:
            return False
        otlp = types.OpenTelemetryConfig(service_name=OTLP_SERVICE)
        if wanted.http is not None:
            uri = otlp.http_service.http_uri
            uri.uri = f"http://{wanted.service}:{wanted.port}{wanted.http.path}"
            uri.cluster = cluster
            uri.timeout.CopyFrom(messages.duration(wanted.http.timeout or messages.NANOSECONDS))
        else:
            otlp.grpc_service.envoy_grpc.cluster_name = cluster
        return _pack(made, OPENTELEMETRY, otlp)
    return False


def _pack(made: Any, name: str, config: Any) -> bool:
    made.provider.name = name
    made.provider.typed_config.CopyFrom(messages.pack(config))
    return True


def provider_cluster(mesh: Mesh, scope: OutboundScope, host: str, port: int) -> str | None:
    """The cluster of a provider's service, written `[namespace/]host`; None when out of sight.

    `name.namespace` is understood too: Istio's own examples write `zipkin.istio-system`.
    """
    namespace, _, written = host.rpartition("/")
    for hostname in (written, f"{written}.svc.{mesh.domain}"):
        service = find_service(mesh, scope, hostname)
        if service is None or service.port(port) is None:
            continue
        if not namespace or namespace == service.namespace:
            return names.outbound_cluster(port, "", hostname)
    return None


def _add_tag(made: Any, tag: Any) -> None:
    if tag.literal is not None:
        made.literal.value = tag.literal.value
    elif tag.environment is not None:
        made.environment.name = tag.environment.name
        made.environment.default_value = tag.environment.default_value
    elif tag.header is not None:
        made.request_header.name = tag.header.name
        made.request_header.default_value = tag.header.default_value
