"""The control plane's port follows the authority without being opened anew."""

import ssl
import time
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from lateen.ca import server_certificate
from lateen.ca.authority import Authority, organisation, self_signed
from lateen.ca.server_rotation import ServerCertificateRotation
from tests.unit.ca.test_server_certificate import handshake


def authority(name: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    root = self_signed(key, organisation(name), now=time.time(), ttl_seconds=3600)
    return Authority(key, root, (), (root,))


class Port:
    def __init__(self) -> None:
        self.old, self.new = authority("old"), authority("new")
        self.signing, self.trusted = self.old, self.old.root_bundle
        self.rotation = ServerCertificateRotation(
            lambda: self.signing, roots=lambda: self.trusted, clock=time.time, random=Random(1)
        )

    def call(self, trust: Authority, own: Authority | None = None, name: str = "localhost") -> Any:
        """A client that trusts one authority and shows a certificate of another, or none."""
        client = ssl.create_default_context(cadata=trust.root_bundle)
        client.maximum_version = ssl.TLSVersion.TLSv1_2  # the server's refusal is then seen here
        client.set_alpn_protocols(["h2"])
        if own is not None:
            certificate = server_certificate.issue(own, now=time.time())
            server_certificate.present(client, certificate)
        return handshake(self.rotation.context, client, name)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])  # with and without SNI
def test_a_renewed_certificate_is_shown_to_the_next_caller(name: str) -> None:
    port = Port()
    context = port.rotation.context
    before = port.call(port.old, name=name).getpeercert(binary_form=True)
    port.rotation.renew()
    assert port.rotation.context is context
    assert port.call(port.old, name=name).getpeercert(binary_form=True) != before


def test_an_added_root_is_trusted_and_a_removed_one_is_not() -> None:
    port = Port()
    with pytest.raises(ssl.SSLError):
        port.call(port.old, own=port.new)
    port.trusted = port.old.root_bundle + port.new.root_bundle
    port.rotation.renew()
    assert port.call(port.old, own=port.old)
    assert port.call(port.old, own=port.new)
    port.signing, port.trusted = port.new, port.new.root_bundle
    port.rotation.renew()
    assert port.call(port.new, own=port.new)
    with pytest.raises(ssl.SSLError):
        port.call(port.new, own=port.old)
