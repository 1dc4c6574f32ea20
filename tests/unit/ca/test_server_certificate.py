"""The control plane's own port."""

import ssl
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from lateen.ca import server_certificate
from lateen.ca.authority import Authority, organisation, self_signed

KEY = ec.generate_private_key(ec.SECP256R1())
ROOT = self_signed(KEY, organisation("cluster.local"), now=time.time(), ttl_seconds=3600)
AUTHORITY = Authority(KEY, ROOT, (), (ROOT,))


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """Both ends in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server, server_hostname=name)
    there = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (here, there):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert here.version()
    return here


def client() -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=AUTHORITY.root_bundle)
    context.set_alpn_protocols(["h2"])
    return context


@pytest.mark.parametrize("name", ["istiod.istio-system.svc", "localhost", "127.0.0.1"])
def test_callers_verify_the_port_by_its_names(name: str) -> None:
    certificate = server_certificate.issue(AUTHORITY, now=time.time())
    server = server_certificate.server_context(AUTHORITY.root_bundle, certificate)
    assert handshake(server, client(), name).selected_alpn_protocol() == "h2"


def test_another_name_is_not_vouched_for() -> None:
    certificate = server_certificate.issue(AUTHORITY, now=time.time())
    server = server_certificate.server_context(AUTHORITY.root_bundle, certificate)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, client(), "other.example")


def test_a_renewed_certificate_is_presented_to_the_next_caller() -> None:
    first, second = (server_certificate.issue(AUTHORITY, now=time.time()) for _ in range(2))
    server = server_certificate.server_context(AUTHORITY.root_bundle, first)
    before = handshake(server, client(), "localhost").getpeercert(binary_form=True)
    server_certificate.present(server, second)
    after = handshake(server, client(), "localhost").getpeercert(binary_form=True)
    assert before != after


def test_names_follow_the_system_namespace_and_domain() -> None:
    names = server_certificate.control_plane_names(system_namespace="mesh", domain="corp.local")
    assert "istiod.mesh.svc.corp.local" in names
    assert len(names) == len(set(names))
