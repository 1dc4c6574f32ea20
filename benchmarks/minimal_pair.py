"""Two Envoys written by hand that do the least a mesh does: mutual TLS, and nothing else.

    client -> 127.0.0.1:<entry> -> mutual TLS -> server:<door> -> 127.0.0.1:<application>

One worker each, no statistics beyond what Envoy cannot do without, one route, the router alone.
The application is an Envoy too, which answers 1 KiB by itself.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

TYPE = "type.googleapis.com/envoy"
HCM = f"{TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = f"{TYPE}.extensions.filters.http.router.v3.Router"
TLS = f"{TYPE}.extensions.transport_sockets.tls.v3"
ANSWER = "x" * 1024
CALLER_HEADER = "x-seen-client-cert"  # of answers to /seen: who the server's proxy says called


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files: a chain, its key and the authority's certificate."""

    chain: str
    key: str
    root: str


def issue(folder: Path, identity: str, authority: tuple[Any, Any] | None = None) -> Certificates:
    """A leaf of an EC P-256 authority of its own folder, as the mesh's authority issues them."""
    authority = authority or new_authority()
    root, root_key = authority
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = _builder(key.public_key(), x509.Name([]), root.subject)
    leaf = leaf.add_extension(
        x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity)]), critical=True
    )
    signed = leaf.sign(root_key, hashes.SHA256())
    name = identity.rpartition("/")[2]
    files = {
        f"{name}.pem": signed.public_bytes(serialization.Encoding.PEM),
        f"{name}.key": key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        "root.pem": root.public_bytes(serialization.Encoding.PEM),
    }
    for file, content in files.items():
        (folder / file).write_bytes(content)
    return Certificates(*(str(folder / file) for file in files))


def new_authority() -> tuple[Any, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "benchmark")])
    root = _builder(key.public_key(), name, name)
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return root.sign(key, hashes.SHA256()), key


def _builder(public_key: Any, subject: Any, issuer: Any) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
    )


def write_client(
    path: Path, *, entry: int, door: int, server: str, certificates: Certificates
) -> None:
    cluster = _cluster("server", "STRICT_DNS", server, door)
    cluster["transport_socket"] = _transport_socket("UpstreamTlsContext", certificates, {})
    listener = _listener("127.0.0.1", entry, _manager("client", [_route_to("server")]))
    _write(path, [listener], [cluster])


def write_server(path: Path, *, door: int, application: int, certificates: Certificates) -> None:
    listener = _listener("0.0.0.0", door, _manager("server", [_route_to("application")]))
    socket = _transport_socket(
        "DownstreamTlsContext", certificates, {"require_client_certificate": True}
    )
    listener["filter_chains"][0]["transport_socket"] = socket
    _write(path, [listener], [_cluster("application", "STATIC", "127.0.0.1", application)])


def write_application(path: Path, ports: tuple[int, ...]) -> None:
    answer = {"status": 200, "body": {"inline_string": ANSWER}}
    seen = {
        "header": {"key": CALLER_HEADER, "value": "%REQ(x-forwarded-client-cert)%"},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
    routes = [
        {
            "match": {"path": "/seen"},
            "direct_response": answer,
            "response_headers_to_add": [seen],
        },
        {"match": {"prefix": "/"}, "direct_response": answer},
    ]
    manager = _manager("application", routes, "ALWAYS_FORWARD_ONLY")
    _write(path, [_listener("0.0.0.0", port, manager) for port in ports])


def command(binary: Path, path: Path) -> list[str]:
    """As the mesh starts its own Envoys: one worker."""
    return [
        str(binary), "-c", str(path), "--concurrency", "1", "--disable-hot-restart",
        "--log-level", "warning", "--component-log-level", "misc:error",
    ]  # fmt: skip


def _write(path: Path, listeners: list[Any], clusters: tuple[Any, ...] | list[Any] = ()) -> None:
    bootstrap = {
        "node": {"id": path.stem, "cluster": path.stem},
        "stats_config": {"stats_matcher": {"reject_all": True}},
        "static_resources": {"listeners": listeners, "clusters": list(clusters)},
    }
    path.write_text(json.dumps(bootstrap, indent=1))


def _listener(address: str, port: int, manager: Any) -> dict[str, Any]:
    return {
        "name": f"{address}_{port}",
        "address": {"socket_address": {"address": address, "port_value": port}},
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": manager,
                    }
                ]
            }
        ],
    }


def _manager(name: str, routes: list[Any], forwarding: str = "SANITIZE") -> dict[str, Any]:
    return {
        "@type": HCM,
        "stat_prefix": name,
        "forward_client_cert_details": forwarding,
        "route_config": {"virtual_hosts": [{"name": name, "domains": ["*"], "routes": routes}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}],
    }


def _route_to(cluster: str) -> dict[str, Any]:
    return {"match": {"prefix": "/"}, "route": {"cluster": cluster, "timeout": "0s"}}


def _cluster(name: str, kind: str, host: str, port: int) -> dict[str, Any]:
    address = {"socket_address": {"address": host, "port_value": port}}
    return {
        "name": name,
        "type": kind,
        "dns_lookup_family": "V4_ONLY",
        "dns_refresh_rate": "1s",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }


def _transport_socket(
    context: str, certificates: Certificates, more: dict[str, Any]
) -> dict[str, Any]:
    common = {
        "tls_certificates": [
            {
                "certificate_chain": {"filename": certificates.chain},
                "private_key": {"filename": certificates.key},
            }
        ],
        "validation_context": {"trusted_ca": {"filename": certificates.root}},
    }
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {"@type": f"{TLS}.{context}", "common_tls_context": common, **more},
    }
