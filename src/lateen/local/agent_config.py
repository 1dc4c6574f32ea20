"""The settings of a pod's agent, from the pod's plan and its place in the network."""

import json
from pathlib import Path
from typing import Any

from lateen.agent import duration
from lateen.agent.settings import (
    AgentSettings,
    ApplicationMetrics,
    DiscoverySettings,
    DnsSettings,
    EnvoySettings,
    ListenerSettings,
    LocalitySettings,
    NodeSettings,
    ShutdownSettings,
    WorkloadSettings,
)
from lateen.base.problem import Problem
from lateen.config.proxy_config import ANNOTATION
from lateen.identity.labels import WorkloadLabels
from lateen.local.container_plan import NODE_NAME
from lateen.local.injection import ProxyRole
from lateen.local.network import Attachment, Network
from lateen.local.plan import PodPlan
from lateen.local.proxy_configs import annotated

ISTIO_VERSION = "1.30.0"  # whose configuration and metadata we speak
CLUSTER = "Kubernetes"
ENVOY_ADMIN = "unix:./envoy-admin.sock"  # in the agent's folder, where it runs
DOMAIN = "cluster.local"
CANONICAL_NAMES = ("service.istio.io/canonical-name", "app.kubernetes.io/name", "app")
CANONICAL_REVISIONS = (
    "service.istio.io/canonical-revision",
    "app.kubernetes.io/version",
    "version",
)
CONCURRENCY = 1  # many proxies share one machine
DRAIN_SECONDS = 5.0
# Besides Istio's set: what `lateen up --check` looks at, and what RateLimits refused.
STATISTICS = ("ssl.handshake", "rate_limited")
ROLES = {ProxyRole.SIDECAR: "sidecar", ProxyRole.GATEWAY: "router"}


def settings(
    plan: PodPlan,
    attachment: Attachment,
    network: Network,
    *,
    folder: Path,
    log_file: Path,
    root_cert: Path,
    discovery_port: int,
    trust_domain: str,
) -> AgentSettings:
    domain = f"{plan.namespace}.svc.{DOMAIN}"
    node_id = f"{ROLES[plan.proxy]}~{attachment.address}~{plan.id}~{domain}"
    return AgentSettings(
        node=NodeSettings(
            id=node_id,
            cluster=f"{canonical(plan).canonical_service}.{plan.namespace}",
            metadata=metadata(plan, attachment, network),
            locality=LocalitySettings(),
        ),
        workload=WorkloadSettings(
            namespace=plan.namespace,
            service_account=plan.service_account,
            name=plan.name,
            ip=attachment.application,
        ),
        discovery=DiscoverySettings(
            address=f"{network.discovery_host}:{discovery_port}",
            root_cert=str(root_cert),
            token=str(folder / "token"),
        ),
        work_dir=str(folder),
        socket_mark=network.socket_mark,
        trust_domain=trust_domain,
        mode="redirect" if network.captures else "none",
        listeners=_listeners(attachment, network),
        dns=_dns(plan, network),
        envoy=EnvoySettings(
            concurrency=_concurrency(plan),
            log_file=str(log_file),
            drain_time=_seconds(plan, "drainDuration"),
            stats_suffixes=STATISTICS,
        ),
        application_metrics=_application_metrics(plan),
        shutdown=ShutdownSettings(
            drain_duration=termination_drain(plan), exit_on_zero_connections=True
        ),
    )


def canonical(plan: PodPlan) -> WorkloadLabels:
    """What the workload's certificate says of it besides its identity."""

    def first(names: tuple[str, ...], default: str) -> str:
        return next((plan.labels[name] for name in names if plan.labels.get(name)), default)

    return WorkloadLabels(
        workload=plan.workload,
        canonical_service=first(CANONICAL_NAMES, plan.workload),
        canonical_revision=first(CANONICAL_REVISIONS, "latest"),
        namespace=plan.namespace,
        app=plan.labels.get("app", ""),
        version=plan.labels.get("version", ""),
        cluster=CLUSTER,
    )


def _labels(plan: PodPlan) -> dict[str, str]:
    """As injection leaves them: a sidecar takes mutual TLS, a gateway what its servers say."""
    if plan.proxy is not ProxyRole.SIDECAR:
        return plan.labels
    return {**plan.labels, "security.istio.io/tlsMode": "istio"}


def metadata(plan: PodPlan, attachment: Attachment, network: Network) -> dict[str, Any]:
    """Istio's node metadata, and what explicit mode needs."""
    ports = [
        {"name": port.name, "containerPort": port.container_port, "protocol": port.protocol}
        for container in plan.spec.containers
        for port in container.ports
    ]
    found: dict[str, Any] = {
        "NAME": plan.name,
        "NAMESPACE": plan.namespace,
        "INSTANCE_IPS": attachment.address,
        "LABELS": _labels(plan),
        "ANNOTATIONS": plan.annotations,
        "SERVICE_ACCOUNT": plan.service_account,
        "WORKLOAD_NAME": plan.workload,
        "OWNER": _owner(plan),
        "CLUSTER_ID": CLUSTER,
        "MESH_ID": str(plan.proxy_config.get("meshId") or DOMAIN),
        "NODE_NAME": NODE_NAME,
        "ISTIO_VERSION": ISTIO_VERSION,
        "INTERCEPTION_MODE": "REDIRECT" if network.captures else "NONE",
        "APP_CONTAINERS": ",".join(container.name for container in plan.containers),
        "POD_PORTS": json.dumps(ports),
        "DNS_CAPTURE": "true" if network.captures else "false",
        "DNS_AUTO_ALLOCATE": "true" if network.captures else "false",
        "PROXY_CONFIG": plan.proxy_config,
    }
    if attachment.index:
        found["LOOPBACK_INDEX"] = attachment.index
        found["APPLICATION_ADDRESS"] = attachment.application
        found["HTTP_PROXY_PORT"] = attachment.proxy_port
    if network.unprivileged:
        found["UNPRIVILEGED_POD"] = "true"
    proxy_metadata = found["PROXY_CONFIG"].get("proxyMetadata", {})
    for name, value in proxy_metadata.items():
        if name.startswith("ISTIO_META_"):
            found[name.removeprefix("ISTIO_META_")] = value
    return found


def problems(plan: PodPlan) -> tuple[Problem, ...]:
    text = plan.annotations.get(ANNOTATION, "")
    if not text or annotated(plan.annotations):
        return ()
    file, _, line = plan.origin.rpartition(":")
    message = f"the annotation {ANNOTATION} is not a YAML object"
    hint = "write it as a block: |, with fields such as concurrency: 2"
    where = int(line) if line.isdecimal() else 0
    return (Problem("annotation", message, resource=plan.id, file=file, line=where, hint=hint),)


def _listeners(attachment: Attachment, network: Network) -> ListenerSettings:
    """Where all share one loopback, Envoy's admin interface is a unix socket."""
    if network.captures:
        return ListenerSettings()
    host = attachment.address
    return ListenerSettings(
        status=f"{host}:15020",
        health=f"{host}:15021",
        metrics=f"{host}:15090",
        admin=ENVOY_ADMIN,
    )


def _dns(plan: PodPlan, network: Network) -> DnsSettings:
    if not network.captures:
        return DnsSettings(enabled=False)
    return DnsSettings(
        enabled=True,
        upstream=(network.resolver,) if network.resolver else (),
        search=search_list(plan.namespace),
    )


def search_list(namespace: str) -> tuple[str, ...]:
    return (f"{namespace}.svc.{DOMAIN}", f"svc.{DOMAIN}", DOMAIN)


def termination_drain(plan: PodPlan) -> float:
    """How long a proxy that was told to end waits for its connections, in seconds."""
    return _seconds(plan, "terminationDrainDuration")


def _seconds(plan: PodPlan, name: str) -> float:
    return duration.seconds(str(plan.proxy_config.get(name, ""))) or DRAIN_SECONDS


def _concurrency(plan: PodPlan) -> int:
    wished = plan.proxy_config.get("concurrency")
    return wished if isinstance(wished, int) and 0 <= wished <= 64 else CONCURRENCY


def _application_metrics(plan: PodPlan) -> ApplicationMetrics | None:
    """By the prometheus.io annotations, unless they point at the agent itself."""
    notes = plan.annotations
    port = notes.get("prometheus.io/port", "")
    if not plan.merges_metrics or notes.get("prometheus.io/scrape") != "true":
        return None
    if not port.isdecimal() or port == "15020":
        return None
    return ApplicationMetrics(port=int(port), path=notes.get("prometheus.io/path", "/metrics"))


def _owner(plan: PodPlan) -> str:
    kind = plan.kind.lower() + "s"
    group = {"Pod": "v1", "Job": "batch/v1"}.get(plan.kind, "apps/v1")
    return f"kubernetes://apis/{group}/namespaces/{plan.namespace}/{kind}/{plan.workload}"
