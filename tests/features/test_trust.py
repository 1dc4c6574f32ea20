"""What the agent's secret of roots makes a real Envoy believe."""

import asyncio
import contextlib
import json
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from lateen.agent.messages import TrustDomainRoots, roots_secret, trust_domains_secret
from lateen.ca import server_certificate
from lateen.ca.authority import Authority, organisation, self_signed
from lateen.ca.issued import IssuedLeaf
from lateen.ca.revocation import revocations
from lateen.ca.server_certificate import ServerCertificate
from lateen.ca.trusted_roots import root_id
from lateen.envoy import messages, schema
from lateen.identity.lifetime import Lifetime
from tests.features.running_plane import until

pytestmark = pytest.mark.envoy

NOW = time.time()
OWN, FRIEND = "cluster.local", "friend.org"
SECRET = "envoy.extensions.transport_sockets.tls.v3.Secret"
TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"


def authority(name: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    root = self_signed(key, organisation(name), now=NOW, ttl_seconds=86400)
    return Authority(key, root, (), (root,))


OURS, NEXT, THEIRS = authority("ours"), authority("next"), authority("theirs")


def workload(signer: Authority, trust_domain: str, account: str = "web") -> ServerCertificate:
    """What a workload holds: a leaf for its identity, and the key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = f"spiffe://{trust_domain}/ns/shop/sa/{account}"
    leaf = signer.issue(
        key.public_key(), [x509.UniformResourceIdentifier(name)], now=NOW, ttl_seconds=3600
    )
    return ServerCertificate(
        "".join(signer.chain(leaf)[:-1]),
        server_certificate.key_text(key),
        Lifetime(NOW, NOW + 3600),
    )


def bootstrap(roots: bytes) -> str:
    """A listener with mutual TLS as sidecars have it, which answers 200 by itself."""
    secret = messages.to_json(schema.message(SECRET).FromString(roots))
    own = workload(OURS, OWN, "server")
    names = [
        {"san_type": "URI", "matcher": {"prefix": f"spiffe://{domain}/"}}
        for domain in (OWN, FRIEND)
    ]
    context = {
        "@type": TLS,
        "require_client_certificate": True,
        "common_tls_context": {
            "tls_certificates": [
                {
                    "certificate_chain": {"inline_string": own.chain},
                    "private_key": {"inline_string": own.key},
                }
            ],
            "combined_validation_context": {
                "default_validation_context": {"match_typed_subject_alt_names": names},
                "validation_context_sds_secret_config": {"name": "ROOTCA"},
            },
        },
    }
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network."
        "http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "in",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 200}}],
                }
            ]
        },
        "http_filters": [
            {
                "name": "router",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
                },
            }
        ],
    }
    listener = {
        "name": "in",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [
            {
                "transport_socket": {"name": "tls", "typed_config": context},
                "filters": [{"name": "http", "typed_config": manager}],
            }
        ],
    }
    return json.dumps(
        {
            "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
            "static_resources": {"listeners": [listener], "secrets": [secret]},
        }
    )


@asynccontextmanager
async def envoy(roots: bytes) -> AsyncIterator[int]:
    """The port of an Envoy that believes these."""
    with tempfile.TemporaryDirectory() as folder:
        config, address = (Path(folder, name) for name in ("boot.json", "admin"))
        config.write_text(bootstrap(roots))
        process = await asyncio.create_subprocess_exec(
            str(schema.binary()), "-c", str(config), "--admin-address-path", str(address),
            "--disable-hot-restart", "--concurrency", "1", "-l", "error",
        )  # fmt: skip
        try:
            ports: list[int] = []

            async def listening() -> bool:
                if not address.exists() or ":" not in address.read_text():
                    return False
                ports[:] = await listener_ports(address.read_text())
                return bool(ports)

            await until(listening, "Envoy listens")
            yield ports[0]
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def listener_ports(admin: str) -> list[int]:
    host, _, port = admin.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /listeners?format=json HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    body = (await reader.read()).partition(b"\r\n\r\n")[2]
    writer.close()
    if b"{" not in body:
        return []
    text = body[body.index(b"{") : body.rindex(b"}") + 1]
    found = json.loads(text).get("listener_statuses", [])
    return [each["local_address"]["socket_address"]["port_value"] for each in found]


async def believed(port: int, shown: ServerCertificate) -> bool:
    """Whether the Envoy answers a client that shows this."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=OURS.root_bundle)
    server_certificate.present(context, shown)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
    except (ssl.SSLError, ConnectionError):
        return False
    return answer.startswith(b"HTTP/1.1 200")


def with_envoy(roots: bytes, trial: Callable[[int], Awaitable[None]]) -> None:
    async def main() -> None:
        async with envoy(roots) as port:
            await trial(port)

    asyncio.run(main())


def test_a_root_vouches_for_its_own_trust_domain_alone() -> None:
    roots = trust_domains_secret(
        "ROOTCA",
        (
            TrustDomainRoots(OWN, (OURS.root_bundle + NEXT.root_bundle).encode()),
            TrustDomainRoots(FRIEND, THEIRS.root_bundle.encode()),
        ),
    )

    async def trial(port: int) -> None:
        assert await believed(port, workload(OURS, OWN))
        assert await believed(port, workload(NEXT, OWN))
        assert await believed(port, workload(THEIRS, FRIEND))
        assert not await believed(port, workload(THEIRS, OWN))
        assert not await believed(port, workload(OURS, FRIEND))
        assert not await believed(port, workload(OURS, "stranger.org"))

    with_envoy(roots, trial)


def test_revoked_leaves_are_refused_and_others_of_every_root_are_not() -> None:
    evicted, other, of_next = workload(OURS, OWN), workload(OURS, OWN), workload(NEXT, OWN)
    (leaf, *_) = x509.load_pem_x509_certificates(evicted.chain.encode())
    issued = IssuedLeaf("web", f"{leaf.serial_number:x}", root_id(OURS.certificate), NOW + 3600)
    revoked = revocations((OURS, NEXT), [issued], ["web"], now=NOW)
    bundle = (OURS.root_bundle + NEXT.root_bundle).encode()

    async def trial(port: int) -> None:
        assert await believed(port, other)
        assert await believed(port, of_next)
        assert not await believed(port, evicted)

    with_envoy(roots_secret("ROOTCA", roots=bundle, revoked=revoked.lists.encode()), trial)
