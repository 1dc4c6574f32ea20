"""From a node's id and metadata to its Proxy and ProxyClass.

    sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local  and  {"LABELS": {...}, ...}

The metadata is what the node claims; that its credential covers the claim is checked elsewhere.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from lateen.base.errors import LateenError
from lateen.base.incremental import derived
from lateen.catalog.service import Locality
from lateen.catalog.workload import LOCALITY, NETWORK, parse_locality
from lateen.view import networks
from lateen.view.mesh import Mesh
from lateen.view.outbound_scope import failover_uses, label_uses
from lateen.view.proxy import Interception, Proxy, ProxyClass, ProxyKind
from lateen.view.selection import Labels, as_labels
from lateen.view.service import own_labels
from lateen.view.workload import by_address, ingress_listeners, instances

# Different on every pod of one workload: they count only when some selector asks for them.
VOLATILE_LABELS = frozenset(
    (
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-completion-index",
        "controller-revision-hash",
        "controller-uid",
        "pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
    )
)
# Metadata that configuration depends on besides the fields of ProxyClass.
SETTINGS = (
    "APPLICATION_ADDRESS",
    "APP_CONTAINERS",
    "CANONICAL_TELEMETRY_SERVICE",
    "ENABLE_HBONE",
    "EXIT_ON_ZERO_ACTIVE_CONNECTIONS",
    "IDLE_TIMEOUT",
    "MESH_ID",
    "OWNER",
    "PROXY_CONFIG",
    "QUIC_LISTENERS",
    "REQUESTED_NETWORK_VIEW",
    "STS_PORT",
    "TLS_CLIENT_CERT_CHAIN",
    "TLS_CLIENT_KEY",
    "TLS_CLIENT_ROOT_CERT",
    "TLS_SERVER_CERT_CHAIN",
    "TLS_SERVER_KEY",
    "TLS_SERVER_ROOT_CERT",
    "WORKLOAD_NAME",
)
NODE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,507}")  # two names of 253 characters


class NodeError(LateenError):
    """A node id that is not `type~ip~name.namespace~domain`."""


def proxy_from_node(
    node_id: str,
    metadata: Mapping[str, Any],
    mesh: Mesh,
    locality: Locality | None = None,
) -> Proxy:
    """Its class is the full one, see `classify`. `locality` is the xDS node's, when it has one."""
    kind, address, proxy_id, domain = _parts(node_id)
    name, _, id_namespace = proxy_id.rpartition(".")
    namespace = _text(metadata, "NAMESPACE") or id_namespace
    addresses = _addresses(address, metadata)
    full = ProxyClass(
        kind=kind,
        namespace=namespace,
        labels=as_labels(_labels(metadata)),
        service_account=_text(metadata, "SERVICE_ACCOUNT") or "default",
        cluster=_text(metadata, "CLUSTER_ID") or mesh.settings.cluster,
        network=_text(metadata, "NETWORK") or _labels(metadata).get(NETWORK, ""),
        locality=_locality(metadata, locality),
        node=_text(metadata, "NODE_NAME"),
        interception=_interception(metadata),
        dns_capture=_flag(metadata, "DNS_CAPTURE"),
        dns_auto_allocate=_flag(metadata, "DNS_AUTO_ALLOCATE"),
        http10=_flag(metadata, "HTTP10"),
        http_proxy_port=_number(metadata, "HTTP_PROXY_PORT"),
        unprivileged=_flag(metadata, "UNPRIVILEGED_POD"),
        generator=_text(metadata, "GENERATOR"),
        ipv4=any(ip_address(item).version == 4 for item in addresses) or not addresses,
        ipv6=any(ip_address(item).version == 6 for item in addresses),
        dual_stack=_flag(metadata, "DUAL_STACK"),
        addresses=addresses,
        loopback_index=_number(metadata, "LOOPBACK_INDEX"),
        dns_domain=domain,
        settings=_settings(metadata),
    )
    return Proxy(
        id=f"{name}.{namespace}" if name else proxy_id,
        kind=kind,
        addresses=addresses,
        proxy_class=full,
        metadata=tuple(sorted((key, _plain(value)) for key, value in metadata.items())),
        version=_text(metadata, "ISTIO_VERSION"),
    )


def proxy_from_description(description: Mapping[str, Any], mesh: Mesh) -> Proxy:
    """The NODE object of `lateen render`: type, name, namespace, ip(s), labels, metadata, ..."""
    kind = description.get("type") or "sidecar"
    namespace = description.get("namespace") or "default"
    addresses = description.get("ips") or [description.get("ip") or "127.0.0.1"]
    name = description.get("name") or "proxy"
    metadata = {
        "NAMESPACE": namespace,
        "LABELS": description.get("labels") or {},
        "SERVICE_ACCOUNT": description.get("service_account") or "default",
        "INSTANCE_IPS": ",".join(addresses),
        **(description.get("metadata") or {}),
    }
    domain = f"{namespace}.svc.{mesh.domain}"
    return proxy_from_node(f"{kind}~{addresses[0]}~{name}.{namespace}~{domain}", metadata, mesh)


@derived
def classify(mesh: Mesh, full: ProxyClass) -> ProxyClass:
    """`full` without what no configuration depends on at this instant, and on its network.

    A connected proxy's class can change with the mesh: observe this node and move its streams.
    """
    full = replace(full, labels=_labels_by_address(mesh, full))
    asked = label_uses(mesh, "proxy") | label_uses(mesh, "source")
    asked |= label_uses(mesh, f"client {full.namespace}") | failover_uses(mesh)
    labels = tuple(
        pair for pair in full.labels if pair[0] not in VOLATILE_LABELS or pair[0] in asked
    )
    kept = label_uses(mesh, "metadata").union(SETTINGS)
    settings = tuple(pair for pair in full.settings if pair[0] in kept)
    addresses = _relevant_addresses(mesh, full)
    return replace(
        full,
        labels=labels,
        settings=settings,
        addresses=addresses,
        network=full.network or mesh.network or networks.of_address(mesh, *full.addresses[:1]),
    )


def _labels_by_address(mesh: Mesh, full: ProxyClass) -> Labels:
    """Its own, laid over those of the WorkloadEntry that it is by its address."""
    found: dict[str, str] = {}
    for address in full.addresses:
        for key in mesh.index.keys("address", address):
            if key.kind == "WorkloadEntry" and key.namespace == full.namespace:
                found.update(own_labels(mesh, key))
    return as_labels({**found, **dict(full.labels)}) if found else full.labels


def _relevant_addresses(mesh: Mesh, full: ProxyClass) -> tuple[str, ...]:
    """All or none: those that bind sockets, name the workload's services, or are not to be called.

    A proxy has no listener for its own address among those of a headless service.
    """
    if full.interception is Interception.NONE or ingress_listeners(mesh, full):
        return full.addresses
    if any(by_address(mesh, full.namespace, address) for address in full.addresses):
        return full.addresses
    served = instances(mesh, full.namespace, full.labels, ())
    return full.addresses if any(item.service.headless for item in served) else ()


def _parts(node_id: str) -> tuple[ProxyKind, str, str, str]:
    parts = node_id.split("~")
    if len(parts) != 4 or not parts[2]:
        raise NodeError(
            f'"{node_id}" is not a node id; it must be type~address~name.namespace~domain'
        )
    try:
        kind = ProxyKind(parts[0])
    except ValueError as unknown:
        kinds = ", ".join(ProxyKind)
        raise NodeError(f'"{parts[0]}" is no type of proxy; it must be one of {kinds}') from unknown
    _check_words(node_id, *parts[1:])
    return kind, parts[1], parts[2], parts[3]


def _check_words(node_id: str, address: str, name: str, domain: str) -> None:
    """Each part is what it says: node ids get into logs, pages and the names of statistics."""
    if address:
        try:
            ip_address(address)
        except ValueError as wrong:
            raise NodeError(f"{address!r} in the node id {node_id!r} is no IP address") from wrong
    if not NODE_NAME.fullmatch(name):
        raise NodeError(f"{name!r} in the node id {node_id!r} is no name of a workload")
    if domain and not NODE_NAME.fullmatch(domain):
        raise NodeError(f"{domain!r} in the node id {node_id!r} is no domain")


def _addresses(first: str, metadata: Mapping[str, Any]) -> tuple[str, ...]:
    written = [first, *_text(metadata, "INSTANCE_IPS").split(",")]
    found: dict[str, None] = {}
    for item in written:
        try:
            found[str(ip_address(item.strip()))] = None
        except ValueError:
            continue
    return tuple(found)


def _labels(metadata: Mapping[str, Any]) -> dict[str, str]:
    written = metadata.get("LABELS")
    return {str(key): str(value) for key, value in written.items()} if written else {}


def _locality(metadata: Mapping[str, Any], given: Locality | None) -> Locality:
    """The label on the workload beats the node's own word."""
    written = _labels(metadata).get(LOCALITY)
    if written:
        return parse_locality(written)
    return given if given is not None else Locality()


def _interception(metadata: Mapping[str, Any]) -> Interception:
    try:
        return Interception(_text(metadata, "INTERCEPTION_MODE") or Interception.REDIRECT)
    except ValueError:
        return Interception.REDIRECT


def _settings(metadata: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Those that configuration depends on, then all other text: an EnvoyFilter may ask for it."""
    known = [(name, _plain(metadata[name])) for name in SETTINGS if metadata.get(name)]
    other = [
        (name, value)
        for name, value in sorted(metadata.items())
        if isinstance(value, str) and name not in SETTINGS
    ]
    return (*known, *other)


def _text(metadata: Mapping[str, Any], name: str) -> str:
    value = metadata.get(name)
    return "" if value is None else str(value)


def _flag(metadata: Mapping[str, Any], name: str) -> bool:
    """Booleans come as text; proxyless clients send real ones."""
    return _text(metadata, name).lower() in ("true", "1")


def _number(metadata: Mapping[str, Any], name: str) -> int:
    """Numbers come as text, or as the floats of a protobuf Struct."""
    try:
        return int(float(_text(metadata, name) or 0))
    except ValueError:
        return 0


def _plain(value: Any) -> str:
    """Text as it is, anything else as JSON with sorted keys, so that equal metadata is equal."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
