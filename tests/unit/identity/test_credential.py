"""Who a caller is, by certificate or token."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from lateen.ca.authority import Authority, organisation, self_signed
from lateen.identity import spiffe
from lateen.identity.credential import Authenticator, Credential, Peer, check_claims
from lateen.identity.errors import Refused, StatusCode
from lateen.identity.labels import WorkloadLabels
from lateen.identity.tokens import TokenSigner

NOW = 1_800_000_000.0
KEY = ec.generate_private_key(ec.SECP256R1())
SIGNER = TokenSigner(KEY, lambda: NOW)
WEB = spiffe.of(trust_domain="cluster.local", namespace="shop", service_account="web")
LABELS = WorkloadLabels(app="web")


def authenticator(*, with_tokens: bool = True) -> Authenticator:
    tokens = SIGNER.verifier() if with_tokens else None
    return Authenticator(("cluster.local", "old.local"), tokens, lambda: NOW)


def certificate(*uris: str, names: tuple[str, ...] = ()) -> bytes:
    root = self_signed(KEY, organisation("test"), now=NOW, ttl_seconds=3600)
    san: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in uris]
    san += [x509.DNSName(name) for name in names]
    leaf = Authority(KEY, root, (), (root,)).issue(KEY.public_key(), san, now=NOW, ttl_seconds=60)
    return leaf.public_bytes(Encoding.DER)


def bearer() -> str:
    return "Bearer " + SIGNER.mint(
        namespace="shop", service_account="web", ttl_seconds=60, workload=LABELS
    )


def refused(peer: Peer, *, with_tokens: bool = True) -> Refused:
    with pytest.raises(Refused) as found:
        authenticator(with_tokens=with_tokens).credential(peer)
    assert found.value.code is StatusCode.UNAUTHENTICATED
    return found.value


def test_a_certificate_proves_its_identity_and_labels() -> None:
    peer = Peer(certificate=certificate(str(WEB), names=LABELS.dns_names()))
    assert authenticator().credential(peer) == Credential(WEB, LABELS)


def test_a_token_proves_an_identity_of_our_own_trust_domain() -> None:
    assert authenticator().credential(Peer(authorization=bearer())) == Credential(WEB, LABELS)


def test_a_former_trust_domain_is_accepted() -> None:
    peer = Peer(certificate=certificate("spiffe://old.local/ns/a/sa/b"))
    assert authenticator().credential(peer).identity.trust_domain == "old.local"


def test_a_token_helps_where_the_certificate_does_not() -> None:
    peer = Peer(certificate("spiffe://foreign/ns/a/sa/b"), bearer())
    assert authenticator().credential(peer).identity == WEB


def test_the_certificate_is_believed_before_the_token() -> None:
    other = certificate("spiffe://cluster.local/ns/a/sa/b")
    assert authenticator().credential(Peer(other, bearer())).identity.namespace == "a"


def test_a_foreign_trust_domain_is_refused() -> None:
    peer = Peer(certificate=certificate("spiffe://foreign/ns/a/sa/b"))
    assert "foreign trust domain" in refused(peer).reason


def test_two_identities_are_none() -> None:
    refused(Peer(certificate=certificate(str(WEB), "spiffe://cluster.local/ns/a/sa/b")))


def test_a_certificate_without_identity_is_refused() -> None:
    refused(Peer(certificate=certificate(names=("localhost",))))


def test_no_proof_is_refused() -> None:
    refused(Peer(address="10.0.0.1:4000"))


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer x.y.z"])
def test_another_authorization_header_is_refused(header: str) -> None:
    refused(Peer(authorization=header))


def test_tokens_are_refused_where_none_are_accepted() -> None:
    refused(Peer(authorization=bearer()), with_tokens=False)


def test_claims_that_agree_pass() -> None:
    check_claims(Credential(WEB), namespace="shop", service_account="web")
    check_claims(Credential(WEB))


@pytest.mark.parametrize(
    ("namespace", "account"), [("other", "web"), ("shop", "other"), ("", "other"), ("other", "")]
)
def test_claims_beyond_the_credential_are_refused(namespace: str, account: str) -> None:
    with pytest.raises(Refused) as found:
        check_claims(Credential(WEB), namespace=namespace, service_account=account)
    assert found.value.code is StatusCode.PERMISSION_DENIED


def test_a_peer_does_not_show_its_token() -> None:
    assert "secret" not in repr(Peer(authorization="Bearer secret"))


def test_labels_that_the_credential_carries_cannot_be_claimed_otherwise() -> None:
    proven = Credential(WEB, WorkloadLabels(app="web", version="v1"))

    check_claims(proven, labels={"app": "web", "version": "v1", "tier": "front"})
    check_claims(Credential(WEB), labels={"app": "anything"})
    for claimed in ({"app": "gateway", "version": "v1"}, {"app": "web"}, {}):
        with pytest.raises(Refused) as refusal:
            check_claims(proven, labels=claimed)
        assert refusal.value.code is StatusCode.PERMISSION_DENIED
