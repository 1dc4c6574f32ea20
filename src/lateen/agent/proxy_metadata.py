"""Istio's knobs of the agent itself, which users set per workload in its ProxyConfig.

    proxyMetadata.SECRET_TTL                        how long certificates live
    proxyMetadata.OUTPUT_CERTS                      a folder for the certificate's files
    proxyMetadata.EXIT_ON_ZERO_ACTIVE_CONNECTIONS   end a drain when nobody is connected
    terminationDrainDuration, drainDuration         how long to drain, at the end and on changes
    fileFlushInterval, fileFlushMinSizeKb           when Envoy writes its logs out
    tracingServiceName, serviceCluster              what the workload is called in traces

They are in the node's metadata (`PROXY_CONFIG`) and win over the settings file.
"""

from typing import Any

import msgspec

from lateen.agent import duration
from lateen.agent.settings import AgentSettings

CANONICAL_NAMES = ("service.istio.io/canonical-name", "app.kubernetes.io/name", "app")
DEFAULT_SERVICE = "istio-proxy"


def applied(settings: AgentSettings) -> AgentSettings:
    config = _object(settings.node.metadata.get("PROXY_CONFIG"))
    variables = _object(config.get("proxyMetadata"))
    replace = msgspec.structs.replace
    shutdown, envoy = settings.shutdown, settings.envoy
    if "EXIT_ON_ZERO_ACTIVE_CONNECTIONS" in variables:
        wished = str(variables["EXIT_ON_ZERO_ACTIVE_CONNECTIONS"]).lower() == "true"
        shutdown = replace(shutdown, exit_on_zero_connections=wished)
    if at_the_end := duration.seconds(str(config.get("terminationDrainDuration", ""))):
        shutdown = replace(shutdown, drain_duration=at_the_end)
    if on_changes := duration.seconds(str(config.get("drainDuration", ""))):
        envoy = replace(envoy, drain_time=on_changes)
    if flush := duration.seconds(str(config.get("fileFlushInterval", ""))):
        envoy = replace(envoy, file_flush_interval=flush)
    if isinstance(kilobytes := config.get("fileFlushMinSizeKb"), int) and kilobytes > 0:
        envoy = replace(envoy, file_flush_min_size_kb=kilobytes)
    node = replace(settings.node, cluster=_service(settings, config))
    ttl = duration.seconds(str(variables.get("SECRET_TTL", ""))) or settings.secret_ttl
    output_certs = str(variables.get("OUTPUT_CERTS", "")) or settings.output_certs
    return replace(
        settings,
        node=node,
        shutdown=shutdown,
        envoy=envoy,
        secret_ttl=ttl,
        output_certs=output_certs,
    )


def _service(settings: AgentSettings, config: dict[str, Any]) -> str:
    """Envoy's service cluster, which names the workload in traces."""
    metadata = settings.node.metadata
    labels, namespace = _object(metadata.get("LABELS")), settings.workload.namespace
    names = (*(labels.get(label) for label in CANONICAL_NAMES), metadata.get("WORKLOAD_NAME"))
    canonical = str(next(filter(None, names), DEFAULT_SERVICE))
    wished = {
        "APP_LABEL_AND_NAMESPACE": f"{labels.get('app') or DEFAULT_SERVICE}.{namespace}",
        "CANONICAL_NAME_ONLY": canonical,
        "CANONICAL_NAME_AND_NAMESPACE": f"{canonical}.{namespace}",
    }
    named = wished.get(str(config.get("tracingServiceName", "")))
    return named or str(config.get("serviceCluster") or settings.node.cluster)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
