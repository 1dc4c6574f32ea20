"""What the workload's ProxyConfig and annotations wish of the bootstrap.

Both are in the node's metadata already (`PROXY_CONFIG`, `ANNOTATIONS`); annotations win. A wish
that cannot be understood is left out, as Istio does: a proxy that runs without it is worth more
than none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lateen.agent import duration
from lateen.agent.settings import AgentSettings

ANNOTATION = "sidecar.istio.io/"
CONNECTIONS_SUFFIX = "downstream_cx_active"  # what a drain that ends early looks at
MOST_CONNECTIONS = 2147483647


@dataclass(frozen=True, slots=True)
class Tls:
    """How a telemetry server is reached; files are served as SDS secrets."""

    mode: str = "DISABLE"
    roots: str = ""
    certificate: str = ""
    key: str = ""
    sni: str = ""
    names: tuple[str, ...] = ()  # one of which the server's certificate must hold; none: any
    trusts_all: bool = False  # insecureSkipVerify
    revoked: str = ""  # file of certificates that count no more


@dataclass(frozen=True, slots=True)
class Target:
    """A telemetry server."""

    host: str
    port: int
    tls: Tls = Tls()
    keepalive: tuple[tuple[str, int], ...] = ()  # fields of Envoy's TcpKeepalive


@dataclass(frozen=True, slots=True)
class Wishes:
    stats_prefixes: tuple[str, ...] = ()
    stats_suffixes: tuple[str, ...] = ()
    stats_regexes: tuple[str, ...] = ()
    histogram_buckets: tuple[tuple[str, tuple[float, ...]], ...] = ()  # metric prefix: buckets
    stats_flush: str = ""  # protobuf durations
    stats_eviction: str = ""
    compresses_stats: bool = True
    downstream_connections: int = MOST_CONNECTIONS
    runtime: tuple[tuple[str, str], ...] = ()
    extra_tags: tuple[str, ...] = ()  # labels cut out of the names of statistics
    zipkin: Target | None = None
    metrics_service: Target | None = None
    access_log_service: Target | None = None
    statsd: Target | None = None
    outlier_log: str = ""


def wishes(settings: AgentSettings) -> Wishes:
    metadata = settings.node.metadata
    config = _object(metadata.get("PROXY_CONFIG"))
    notes = _object(metadata.get("ANNOTATIONS"))
    envoy = settings.envoy
    matcher = _object(config.get("proxyStatsMatcher"))
    tracing = _object(config.get("tracing"))
    limit = _object(config.get("connectionSettings")).get("globalDownstreamConnectionLimit")
    flush = duration.seconds(_text(notes, "statsFlushInterval"))
    eviction = _text(notes, "statsEvictionInterval") or str(config.get("statsEvictionInterval", ""))
    return Wishes(
        stats_prefixes=(
            *envoy.stats_prefixes, *_kept(notes, "Prefixes", matcher, "inclusionPrefixes")
        ),
        stats_suffixes=(
            *((CONNECTIONS_SUFFIX,) if settings.shutdown.exit_on_zero_connections else ()),
            *envoy.stats_suffixes, *_kept(notes, "Suffixes", matcher, "inclusionSuffixes")
        ),
        stats_regexes=(
            *envoy.stats_regexes, *_kept(notes, "Regexps", matcher, "inclusionRegexps")
        ),
        histogram_buckets=_buckets(_text(notes, "statsHistogramBuckets")),
        stats_flush=_protobuf_duration(flush),
        stats_eviction=_eviction(duration.seconds(eviction), flush),
        compresses_stats=config.get("statsCompression", True) is not False
        and _text(notes, "statsCompression") != "false",
        downstream_connections=min(
            limit if isinstance(limit, int) and limit > 0 else MOST_CONNECTIONS,
            envoy.downstream_connections,
        ),
        runtime=tuple(
            sorted((str(key), str(value))
                   for key, value in _object(config.get("runtimeValues")).items())
        ),
        extra_tags=_tags(notes, config),
        zipkin=_target(
            _object(tracing.get("zipkin")) or {"address": config.get("zipkinAddress", "")},
            tracing.get("tlsSettings"),
        ),
        metrics_service=_service(config, "envoyMetricsService")
        or _target({"address": config.get("envoyMetricsServiceAddress", "")}, None),
        access_log_service=_service(config, "envoyAccessLogService"),
        statsd=_target({"address": config.get("statsdUdpAddress", "")}, None),
        outlier_log=str(metadata.get("OUTLIER_LOG_PATH", "")),
    )  # fmt: skip


def _kept(
    notes: Mapping[str, Any], annotation: str, matcher: Mapping[str, Any], field: str
) -> tuple[str, ...]:
    listed = _text(notes, f"statsInclusion{annotation}")
    if listed:
        return tuple(part.strip() for part in listed.split(",") if part.strip())
    found = matcher.get(field)
    return tuple(str(part) for part in found) if isinstance(found, list) else ()


def _buckets(text: str) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """The annotation is JSON: `{"istio": [1, 5, 10]}`."""
    import json

    try:
        found = _object(json.loads(text or "{}"))
        return tuple(
            (str(prefix), tuple(sorted(float(edge) for edge in edges)))
            for prefix, edges in sorted(found.items())
            if edges
        )
    except (ValueError, TypeError):
        return ()


def _eviction(seconds: float, flush: float) -> str:
    """Envoy evicts at flushes only, so it must be a multiple of theirs (5 s unless wished)."""
    period = flush or 5.0
    return _protobuf_duration(seconds) if seconds and seconds % period == 0 else ""


def _protobuf_duration(seconds: float) -> str:
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s" if seconds else ""


def _service(config: Mapping[str, Any], name: str) -> Target | None:
    found = _object(config.get(name))
    return _target(found, found.get("tlsSettings"))


def _target(found: Mapping[str, Any], tls: Any) -> Target | None:
    host, _, port = str(found.get("address", "")).rpartition(":")
    if not host or not port.isdecimal():
        return None
    alive = _object(found.get("tcpKeepalive"))
    return Target(host.strip("[]"), int(port), _tls(_object(tls)), _keepalive(alive))


def _keepalive(alive: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """Whole seconds, as the kernel counts them."""
    wished = (
        ("keepalive_probes", alive.get("probes")),
        ("keepalive_time", round(duration.seconds(str(alive.get("time", ""))))),
        ("keepalive_interval", round(duration.seconds(str(alive.get("interval", ""))))),
    )
    return tuple((name, value) for name, value in wished if isinstance(value, int) and value > 0)


def _tags(notes: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[str, ...]:
    listed = _text(notes, "extraStatTags")
    found = listed.split(",") if listed else config.get("extraStatTags")
    return tuple(str(tag).strip() for tag in found) if isinstance(found, list) else ()


def _tls(found: Mapping[str, Any]) -> Tls:
    return Tls(
        mode=str(found.get("mode", "DISABLE")),
        roots=str(found.get("caCertificates", "")),
        certificate=str(found.get("clientCertificate", "")),
        key=str(found.get("privateKey", "")),
        sni=str(found.get("sni", "")),
        names=tuple(map(str, found.get("subjectAltNames") or ())),
        trusts_all=found.get("insecureSkipVerify") is True,
        revoked=str(found.get("caCrl", "")),
    )


def _text(notes: Mapping[str, Any], name: str) -> str:
    return str(notes.get(ANNOTATION + name, ""))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
