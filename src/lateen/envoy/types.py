"""Short names for the Envoy messages that translation builds: `types.Cluster()`, `types.Route()`.

A name resolves on first use, so that a command loads only what it touches. The classes come from
the installed Envoy's own schema; a message that a binary does not know raises `SchemaError` when it
is first named.
"""

import typing

from lateen.envoy import schema

_PACKAGES: dict[str, str] = {
    "google.protobuf": """
        Any Duration Struct Value ListValue BoolValue UInt32Value UInt64Value StringValue
        Timestamp
    """,
    "envoy.config.core.v3": """
        Address SocketAddress Pipe EnvoyInternalAddress CidrRange Metadata DataSource ConfigSource
        ApiConfigSource AggregatedConfigSource GrpcService ExtensionConfigSource
        TypedExtensionConfig
        TransportSocket BindConfig SocketOption HeaderValue HeaderValueOption HttpUri Locality
        Node RuntimeFractionalPercent RuntimeDouble RuntimeUInt32 SubstitutionFormatString
        TcpKeepalive HttpProtocolOptions Http1ProtocolOptions Http2ProtocolOptions
        KeepaliveSettings ProxyProtocolConfig QueryParameter BackoffStrategy RetryPolicy
        PathConfigSource SelfConfigSource DnsResolutionConfig AsyncDataSource RemoteDataSource
        HealthStatusSet
    """,
    "envoy.config.cluster.v3": """
        Cluster CircuitBreakers OutlierDetection UpstreamConnectionOptions Filter
    """,
    "envoy.config.endpoint.v3": "ClusterLoadAssignment LocalityLbEndpoints LbEndpoint Endpoint",
    "envoy.config.listener.v3": """
        Listener ListenerFilter FilterChain FilterChainMatch Filter AdditionalAddress
        ListenerFilterChainMatchPredicate
    """,
    "envoy.config.route.v3": """
        RouteConfiguration VirtualHost Route RouteMatch RouteAction RedirectAction
        DirectResponseAction WeightedCluster RetryPolicy HeaderMatcher QueryParameterMatcher
        CorsPolicy Decorator VirtualCluster ScopedRouteConfiguration NonForwardingAction
        FilterConfig
    """,
    "envoy.config.accesslog.v3": """
        AccessLog AccessLogFilter MetadataFilter LogTypeFilter ResponseFlagFilter ComparisonFilter
        StatusCodeFilter HeaderFilter OrFilter AndFilter ExtensionFilter
    """,
    "envoy.config.bootstrap.v3": "Bootstrap",
    "envoy.config.trace.v3": """
        Tracing ZipkinConfig OpenTelemetryConfig DatadogConfig SkyWalkingConfig
        DynamicOtConfig
    """,
    "envoy.config.rbac.v3": "RBAC Policy Permission Principal",
    "envoy.config.ratelimit.v3": "RateLimitServiceConfig",
    "envoy.type.v3": "Percent FractionalPercent Int32Range Int64Range DoubleRange",
    "envoy.type.matcher.v3": """
        StringMatcher ListStringMatcher RegexMatcher RegexMatchAndSubstitute MetadataMatcher
        ValueMatcher ListMatcher PathMatcher DoubleMatcher FilterStateMatcher
    """,
    "envoy.type.metadata.v3": "MetadataKey MetadataKind",
    "envoy.type.tracing.v3": "CustomTag",
    "envoy.type.http.v3": "PathTransformation CookieAttribute Cookie",
    "envoy.service.discovery.v3": """
        DiscoveryRequest DiscoveryResponse DeltaDiscoveryRequest DeltaDiscoveryResponse Resource
    """,
    "envoy.extensions.transport_sockets.tls.v3": """
        UpstreamTlsContext DownstreamTlsContext CommonTlsContext TlsParameters SdsSecretConfig
        CertificateValidationContext Secret TlsCertificate SubjectAltNameMatcher GenericSecret
        TlsSessionTicketKeys
    """,
    "envoy.extensions.transport_sockets.raw_buffer.v3": "RawBuffer",
    "envoy.extensions.transport_sockets.proxy_protocol.v3": "ProxyProtocolUpstreamTransport",
    "envoy.extensions.transport_sockets.internal_upstream.v3": "InternalUpstreamTransport",
    "envoy.extensions.transport_sockets.starttls.v3": "StartTlsConfig UpstreamStartTlsConfig",
    "envoy.extensions.transport_sockets.quic.v3": "QuicDownstreamTransport",
    "envoy.extensions.filters.network.http_connection_manager.v3": """
        HttpConnectionManager HttpFilter Rds ScopedRoutes RequestIDExtension
    """,
    "envoy.extensions.filters.network.tcp_proxy.v3": "TcpProxy",
    "envoy.extensions.filters.network.sni_cluster.v3": "SniCluster",
    "envoy.extensions.filters.network.mongo_proxy.v3": "MongoProxy",
    "envoy.extensions.filters.network.redis_proxy.v3": "RedisProxy",
    "envoy.extensions.filters.listener.original_dst.v3": "OriginalDst",
    "envoy.extensions.filters.listener.original_src.v3": "OriginalSrc",
    "envoy.extensions.filters.listener.tls_inspector.v3": "TlsInspector",
    "envoy.extensions.filters.listener.http_inspector.v3": "HttpInspector",
    "envoy.extensions.filters.listener.proxy_protocol.v3": "ProxyProtocol",
    "envoy.extensions.filters.http.router.v3": "Router",
    "envoy.extensions.filters.http.cors.v3": "Cors",
    "envoy.extensions.filters.http.fault.v3": "HTTPFault FaultAbort",
    "envoy.extensions.filters.common.fault.v3": "FaultDelay FaultRateLimit",
    "envoy.extensions.filters.http.grpc_stats.v3": "FilterConfig",
    "envoy.extensions.filters.http.grpc_web.v3": "GrpcWeb",
    "envoy.extensions.filters.http.health_check.v3": "HealthCheck",
    "envoy.extensions.filters.http.jwt_authn.v3": """
        JwtAuthentication JwtProvider JwtRequirement JwtRequirementAndList JwtRequirementOrList
        RequirementRule JwtHeader
    """,
    "envoy.extensions.filters.http.ext_authz.v3": """
        ExtAuthz HttpService BufferSettings AuthorizationRequest AuthorizationResponse
    """,
    "envoy.extensions.filters.http.lua.v3": "Lua LuaPerRoute",
    "envoy.extensions.filters.http.header_mutation.v3": "HeaderMutation",
    "envoy.extensions.filters.http.wasm.v3": "Wasm",
    "envoy.extensions.filters.http.stateful_session.v3": "StatefulSession StatefulSessionPerRoute",
    "envoy.extensions.http.stateful_session.cookie.v3": "CookieBasedSessionState",
    "envoy.extensions.http.stateful_session.header.v3": "HeaderBasedSessionState",
    "envoy.extensions.wasm.v3": "PluginConfig VmConfig WasmService",
    "envoy.extensions.path.match.uri_template.v3": "UriTemplateMatchConfig",
    "envoy.extensions.clusters.dynamic_forward_proxy.v3": "ClusterConfig SubClustersConfig",
    "envoy.extensions.common.dynamic_forward_proxy.v3": "DnsCacheConfig",
    "envoy.extensions.network.dns_resolver.cares.v3": "CaresDnsResolverConfig",
    "envoy.extensions.retry.host.previous_hosts.v3": "PreviousHostsPredicate",
    "envoy.extensions.retry.priority.previous_priorities.v3": "PreviousPrioritiesConfig",
    "envoy.extensions.access_loggers.file.v3": "FileAccessLog",
    "envoy.extensions.access_loggers.stream.v3": "StdoutAccessLog StderrAccessLog",
    "envoy.extensions.access_loggers.grpc.v3": """
        HttpGrpcAccessLogConfig TcpGrpcAccessLogConfig CommonGrpcAccessLogConfig
    """,
    "envoy.extensions.access_loggers.open_telemetry.v3": "OpenTelemetryAccessLogConfig",
    "envoy.extensions.access_loggers.stats.v3": "Config",
    "envoy.extensions.access_loggers.filters.cel.v3": "ExpressionFilter",
    "envoy.extensions.formatter.cel.v3": "Cel",
    "xds.type.matcher.v3": "Matcher",
}

# Names that would be ambiguous or unclear without their package.
_SPECIAL: dict[str, str] = {
    "RouteRetryPolicy": "envoy.config.route.v3.RetryPolicy",
    "CoreRetryPolicy": "envoy.config.core.v3.RetryPolicy",
    "RetryPolicy": "envoy.config.route.v3.RetryPolicy",
    "Filter": "envoy.config.listener.v3.Filter",
    "ClusterFilter": "envoy.config.cluster.v3.Filter",
    "FilterConfig": "envoy.config.route.v3.FilterConfig",
    "GrpcStats": "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
    "CookieAttribute": "envoy.config.route.v3.RouteAction.HashPolicy.CookieAttribute",
    "HashPolicy": "envoy.config.route.v3.RouteAction.HashPolicy",
    "RequestMirrorPolicy": "envoy.config.route.v3.RouteAction.RequestMirrorPolicy",
    "UpgradeConfig": "envoy.config.route.v3.RouteAction.UpgradeConfig",
    "MaxStreamDuration": "envoy.config.route.v3.RouteAction.MaxStreamDuration",
    "ClusterWeight": "envoy.config.route.v3.WeightedCluster.ClusterWeight",
    "HcmUpgradeConfig": (
        "envoy.extensions.filters.network.http_connection_manager.v3"
        ".HttpConnectionManager.UpgradeConfig"
    ),
    "HcmTracing": (
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.Tracing"
    ),
    "TcpWeightedCluster": (
        "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.WeightedCluster"
    ),
    "TcpTunnelingConfig": (
        "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy.TunnelingConfig"
    ),
    "Thresholds": "envoy.config.cluster.v3.CircuitBreakers.Thresholds",
    "RetryBudget": "envoy.config.cluster.v3.CircuitBreakers.Thresholds.RetryBudget",
    "EdsClusterConfig": "envoy.config.cluster.v3.Cluster.EdsClusterConfig",
    "TransportSocketMatch": "envoy.config.cluster.v3.Cluster.TransportSocketMatch",
    "UpstreamHttpProtocolOptions": (
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"  # not the field of core
    ),
    "CombinedCertificateValidationContext": (
        "envoy.extensions.transport_sockets.tls.v3.CommonTlsContext"
        ".CombinedCertificateValidationContext"
    ),
    "HttpCorsPolicy": "envoy.extensions.filters.http.cors.v3.CorsPolicy",
    "UuidRequestIdConfig": "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
    "HttpRbac": "envoy.extensions.filters.http.rbac.v3.RBAC",
    "NetworkRbac": "envoy.extensions.filters.network.rbac.v3.RBAC",
    "HttpSetFilterState": "envoy.extensions.filters.http.set_filter_state.v3.Config",
    "NetworkSetFilterState": "envoy.extensions.filters.network.set_filter_state.v3.Config",
    "FilterStateValue": "envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue",
    "HttpDynamicForwardProxy": (
        "envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig"
    ),
    "SniDynamicForwardProxy": (
        "envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig"
    ),
    "NetworkExtAuthz": "envoy.extensions.filters.network.ext_authz.v3.ExtAuthz",
    "NetworkWasm": "envoy.extensions.filters.network.wasm.v3.Wasm",
    "HttpLocalRateLimit": "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
    "HttpRateLimit": "envoy.extensions.filters.http.ratelimit.v3.RateLimit",
    "NetworkLocalRateLimit": "envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit",
    "NetworkRateLimit": "envoy.extensions.filters.network.ratelimit.v3.RateLimit",
    "RateLimitDescriptor": "envoy.extensions.common.ratelimit.v3.RateLimitDescriptor",
    "LocalRateLimitDescriptor": "envoy.extensions.common.ratelimit.v3.LocalRateLimitDescriptor",
    "RateLimitActions": "envoy.config.route.v3.RateLimit",
    "RateLimitAction": "envoy.config.route.v3.RateLimit.Action",
    "RateLimitExpression": "envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor",
    "RateLimitRequest": "envoy.service.ratelimit.v3.RateLimitRequest",
    "RateLimitResponse": "envoy.service.ratelimit.v3.RateLimitResponse",
    "TokenBucket": "envoy.type.v3.TokenBucket",
    "StatsAccessLog": "envoy.extensions.access_loggers.stats.v3.Config",
    "DynamicForwardProxyCluster": (
        "envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig"
    ),
    "Matcher": "xds.type.matcher.v3.Matcher",
    "TypedStruct": "xds.type.v3.TypedStruct",
}

FULL_NAMES: dict[str, str] = {
    name: f"{package}.{name}" for package, names in _PACKAGES.items() for name in names.split()
} | _SPECIAL


def __getattr__(name: str) -> typing.Any:
    full_name = FULL_NAMES.get(name)
    if full_name is None:
        raise AttributeError(f"no Envoy message is called {name} here; add it to {__name__}")
    found = globals()[name] = schema.message(full_name)
    return found
