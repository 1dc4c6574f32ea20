"""HTTP towards the endpoints: HTTP/1.1, HTTP/2, or whatever the client speaks.

Istio leaves the options out where they would only say "HTTP/1.1 with defaults", which is also what
makes a cluster of a byte stream.
"""

from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Any

from lateen.api.duration import Duration
from lateen.envoy import messages, types
from lateen.envoy.messages import duration
from lateen.translate.filters.proxy_settings import preserve_case

HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
PASSTHROUGH_IDLE = Duration.parse("5m")  # Istio's idle limit of pass-through clusters
KEEPALIVE_TIMEOUT = Duration.parse("20s")  # Envoy demands one where an interval is set


class UpstreamProtocol(Enum):
    DEFAULT = auto()  # HTTP/1.1, or bytes
    HTTP2 = auto()
    CLIENT = auto()  # what the downstream connection speaks


@dataclass(frozen=True, slots=True)
class Upstream:
    """How HTTP is spoken to the endpoints of one cluster."""

    protocol: UpstreamProtocol = UpstreamProtocol.DEFAULT
    idle_timeout: Duration | None = None
    max_connection_duration: Duration | None = None
    max_requests_per_connection: int = 0
    max_concurrent_streams: int = 0
    keepalive_interval: Duration | None = None
    keepalive_timeout: Duration | None = None
    auto_sni: bool = False  # the server name is the request's Host
    auto_san_validation: bool = False  # and the certificate must hold it
    preserves_case: bool = False  # of HTTP/1.1 header names

    @property
    def is_http2(self) -> bool:
        return self.protocol is UpstreamProtocol.HTTP2


PLAIN = Upstream()


def apply_upstream(cluster: Any, upstream: Upstream) -> None:
    if upstream != PLAIN:
        cluster.typed_extension_protocol_options[HTTP_OPTIONS].CopyFrom(_packed(upstream))


@lru_cache(maxsize=1024)  # few distinct values serve all clusters of a mesh
def _packed(upstream: Upstream) -> Any:
    return messages.pack(http_protocol_options(upstream))


def http_protocol_options(upstream: Upstream) -> Any:
    made = types.UpstreamHttpProtocolOptions()
    _apply_common(made, upstream)
    if upstream.protocol is UpstreamProtocol.CLIENT:
        _apply_http1(made.use_downstream_protocol_config.http_protocol_options, upstream)
        _apply_http2(made.use_downstream_protocol_config.http2_protocol_options, upstream)
    elif upstream.protocol is UpstreamProtocol.HTTP2:
        _apply_http2(made.explicit_http_config.http2_protocol_options, upstream)
    else:
        _apply_http1(made.explicit_http_config.http_protocol_options, upstream)
    if upstream.auto_sni:
        made.upstream_http_protocol_options.auto_sni = True
    if upstream.auto_san_validation:
        made.upstream_http_protocol_options.auto_san_validation = True
    return made


def _apply_common(made: Any, upstream: Upstream) -> None:
    if upstream.idle_timeout is not None:
        made.common_http_protocol_options.idle_timeout.CopyFrom(duration(upstream.idle_timeout))
    if upstream.max_connection_duration is not None:
        made.common_http_protocol_options.max_connection_duration.CopyFrom(
            duration(upstream.max_connection_duration)
        )
    if upstream.max_requests_per_connection:
        made.common_http_protocol_options.max_requests_per_connection.value = (
            upstream.max_requests_per_connection
        )


def _apply_http1(options: Any, upstream: Upstream) -> None:
    options.SetInParent()
    if upstream.preserves_case:
        preserve_case(options)


def _apply_http2(options: Any, upstream: Upstream) -> None:
    options.SetInParent()
    if upstream.max_concurrent_streams:
        options.max_concurrent_streams.value = upstream.max_concurrent_streams
    if upstream.keepalive_interval is not None:
        keepalive = options.connection_keepalive
        keepalive.interval.CopyFrom(duration(upstream.keepalive_interval))
        keepalive.timeout.CopyFrom(duration(upstream.keepalive_timeout or KEEPALIVE_TIMEOUT))
