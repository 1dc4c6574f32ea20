"""The certificate service: whose names get into a leaf, and which requests do not."""

import asyncio

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from lateen.ca.authority import Authority, organisation, self_signed
from lateen.ca.service import CertificateService, create_certificate
from lateen.identity import spiffe
from lateen.identity.credential import Authenticator, Credential, Peer
from lateen.identity.errors import Refused, StatusCode
from lateen.identity.labels import WorkloadLabels
from lateen.identity.signing_request import IstioCertificateRequest, IstioCertificateResponse
from lateen.identity.tokens import TokenSigner

NOW = 1_800_000_000.0
DAY = 86400
KEY = ec.generate_private_key(ec.SECP256R1())
ROOT = self_signed(KEY, organisation("cluster.local"), now=NOW, ttl_seconds=3650 * DAY)
AUTHORITY = Authority(KEY, ROOT, (), (ROOT,))
WEB = spiffe.of(trust_domain="cluster.local", namespace="shop", service_account="web")
OF_WEB = Credential(WEB)


def csr(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = KEY, *, name: str = "") -> str:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    if name:
        wish = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name)])
        builder = builder.add_extension(wish, critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def signed(request: IstioCertificateRequest, credential: Credential = OF_WEB) -> x509.Certificate:
    answer = create_certificate(request.SerializeToString(), credential, AUTHORITY, now=NOW)
    chain = IstioCertificateResponse.FromString(answer).cert_chain
    assert chain[-1] == AUTHORITY.root_bundle
    return x509.load_pem_x509_certificate(chain[0].encode())


def refused(request: IstioCertificateRequest) -> StatusCode:
    with pytest.raises(Refused) as found:
        signed(request)
    return found.value.code


def names(leaf: x509.Certificate) -> x509.SubjectAlternativeName:
    return leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_the_identity_comes_from_the_credential_and_not_from_the_request() -> None:
    wish = "spiffe://cluster.local/ns/istio-system/sa/istiod"
    leaf = signed(IstioCertificateRequest(csr=csr(name=wish)))
    found = names(leaf).get_values_for_type(x509.UniformResourceIdentifier)
    assert found == [str(WEB)]


def test_labels_are_in_the_leaf_only_where_the_credential_covers_them() -> None:
    request = IstioCertificateRequest(csr=csr())
    labels = WorkloadLabels(app="web")
    leaf = signed(request, Credential(WEB, labels))
    assert tuple(names(leaf).get_values_for_type(x509.DNSName)) == labels.dns_names()
    assert not names(signed(request)).get_values_for_type(x509.DNSName)


@pytest.mark.parametrize(
    ("wished", "granted"), [(0, DAY), (-5, DAY), (60, 60), (90 * DAY, 90 * DAY)]
)
def test_the_wished_time_is_granted_within_limits(wished: int, granted: int) -> None:
    leaf = signed(IstioCertificateRequest(csr=csr(), validity_duration=wished))
    assert leaf.not_valid_after_utc.timestamp() == NOW + granted


def test_more_than_ninety_days_are_refused() -> None:
    request = IstioCertificateRequest(csr=csr(), validity_duration=90 * DAY + 1)
    assert refused(request) is StatusCode.INVALID_ARGUMENT


def test_nobody_asks_for_another_identity() -> None:
    request = IstioCertificateRequest(csr=csr())
    request.metadata["ImpersonatedIdentity"] = "spiffe://cluster.local/ns/a/sa/b"
    assert refused(request) is StatusCode.PERMISSION_DENIED


def test_an_unknown_signer_is_refused() -> None:
    request = IstioCertificateRequest(csr=csr())
    request.metadata["CertSigner"] = "vault"
    assert refused(request) is StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("text", ["", "nonsense", "-----BEGIN CERTIFICATE REQUEST-----"])
def test_an_unreadable_request_is_refused(text: str) -> None:
    assert refused(IstioCertificateRequest(csr=text)) is StatusCode.INVALID_ARGUMENT


def test_a_weak_key_is_refused() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    assert refused(IstioCertificateRequest(csr=csr(weak))) is StatusCode.INVALID_ARGUMENT


@given(st.binary(max_size=200))
def test_bytes_that_are_no_request_are_refused_with_a_status(message: bytes) -> None:
    with pytest.raises(Refused):
        create_certificate(message, Credential(WEB), AUTHORITY, now=NOW)


def test_a_huge_request_is_refused() -> None:
    with pytest.raises(Refused, match="too large"):
        create_certificate(b"x" * 100_000, Credential(WEB), AUTHORITY, now=NOW)


def test_the_service_authenticates_first() -> None:
    signer = TokenSigner(KEY, lambda: NOW)
    service = CertificateService(
        lambda: AUTHORITY,
        Authenticator(("cluster.local",), signer.verifier(), lambda: NOW),
        lambda: NOW,
    )
    message = IstioCertificateRequest(csr=csr()).SerializeToString()
    with pytest.raises(Refused):
        asyncio.run(service.create_certificate(message, Peer()))
    token = signer.mint(namespace="shop", service_account="web", ttl_seconds=60)
    answer = asyncio.run(service.create_certificate(message, Peer(authorization=f"Bearer {token}")))
    assert len(IstioCertificateResponse.FromString(answer).cert_chain) == 2
