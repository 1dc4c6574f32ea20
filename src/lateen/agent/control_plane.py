"""Connections to the control plane: TLS, with the workload's certificate once there is one.

Each stream gets a connection of its own, so that it always presents the newest certificate and a
broken one never delays the next.
"""

from pathlib import Path

import grpc
import grpc.aio

from lateen.agent.errors import AgentError
from lateen.agent.settings import DiscoverySettings
from lateen.agent.workload_certificate import WorkloadCertificate

KEEPALIVE_MILLISECONDS = 30_000
RECONNECT_MILLISECONDS = 2_000


def channel(
    discovery: DiscoverySettings, certificate: WorkloadCertificate | None, roots: bytes = b""
) -> grpc.aio.Channel:
    """A connection that is made at first use. AgentError if the root certificate is missing.

    `roots` are trusted besides those of the file: what the control plane has said meanwhile.
    """
    credentials = grpc.ssl_channel_credentials(
        root_certificates=_read(discovery.root_cert) + b"\n" + roots,
        private_key=certificate.key if certificate else None,
        certificate_chain=certificate.chain if certificate else None,
    )
    options = [
        ("grpc.ssl_target_name_override", discovery.server_name),
        ("grpc.use_local_subchannel_pool", 1),  # no back-off inherited from an earlier stream
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        ("grpc.keepalive_time_ms", KEEPALIVE_MILLISECONDS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_MILLISECONDS // 3),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.max_reconnect_backoff_ms", RECONNECT_MILLISECONDS),
        ("grpc.enable_http_proxy", 0),  # the application's proxy settings are not the agent's
    ]
    return grpc.aio.secure_channel(discovery.address, credentials, options)


def authorization(discovery: DiscoverySettings) -> tuple[tuple[str, str], ...]:
    """The token as call metadata; nothing when there is none."""
    if not discovery.token:
        return ()
    return (("authorization", f"Bearer {_read(discovery.token).decode().strip()}"),)


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as missing:
        raise AgentError(f"cannot read {path}: {missing.strerror}") from missing
