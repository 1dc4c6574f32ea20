"""The certificate service: whose names get into a leaf, and which requests do not get there."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lateen.ca.certificate_authority import CertificateAuthority
from lateen.ca.request_policy import SigningPolicy
from lateen.ca.service import CertificateService, leaf_request
from lateen.ca.settings import AuthoritySettings
from lateen.identity.credential import Authenticator, Credential, Peer
from lateen.identity.errors import Refused, StatusCode
from lateen.identity.labels import WorkloadLabels
from lateen.identity.signing_request import IstioCertificateRequest, IstioCertificateResponse
from lateen.identity.tokens import TokenSigner
from tests.unit.ca.requests import KEY, WEB, csr, names
from tests.unit.ca.times import Time

OTHER = "spiffe://cluster.local/ns/shop/sa/cart"


class Service:
    def __init__(self, folder: Path) -> None:
        clock = Time()
        self.now = clock.now
        self.authority = CertificateAuthority(
            folder / "ca", AuthoritySettings(trust_domain="cluster.local"), clock=clock
        )
        self.signer = TokenSigner(KEY, clock)
        authenticator = Authenticator(("cluster.local",), self.signer.verifier(), clock)
        self._service = CertificateService(self.authority, authenticator, clock)

    def chain(self, request: Any, labels: WorkloadLabels | None = None) -> list[x509.Certificate]:
        token = self.signer.mint(
            namespace="shop", service_account="web", ttl_seconds=60, workload=labels
        )
        answer = self.answer(request.SerializeToString(), Peer(authorization=f"Bearer {token}"))
        text = "".join(IstioCertificateResponse.FromString(answer).cert_chain)
        return x509.load_pem_x509_certificates(text.encode())

    def answer(self, message: bytes, peer: Peer) -> bytes:
        return asyncio.run(self._service.create_certificate(message, peer))


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


def alternative_names(leaf: x509.Certificate) -> x509.SubjectAlternativeName:
    return leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_the_identity_comes_from_the_credential(service: Service) -> None:
    leaf, _ = service.chain(IstioCertificateRequest(csr=csr()))
    found = alternative_names(leaf).get_values_for_type(x509.UniformResourceIdentifier)
    assert found == [str(WEB)]


def test_the_answer_ends_with_every_root_that_is_trusted(service: Service) -> None:
    service.authority.add()
    _, *roots = service.chain(IstioCertificateRequest(csr=csr()))
    assert roots == [root.loaded for root in service.authority.roots]


def test_labels_are_in_the_leaf_only_where_the_credential_covers_them(service: Service) -> None:
    request = IstioCertificateRequest(csr=csr())
    labels = WorkloadLabels(app="web")
    labelled, _ = service.chain(request, labels)
    assert tuple(alternative_names(labelled).get_values_for_type(x509.DNSName)) == (
        labels.dns_names()
    )
    plain, _ = service.chain(request)
    assert not alternative_names(plain).get_values_for_type(x509.DNSName)


def test_the_wished_life_is_granted(service: Service) -> None:
    leaf, _ = service.chain(IstioCertificateRequest(csr=csr(), validity_duration=60))
    assert leaf.not_valid_after_utc.timestamp() == service.now + 60


def refused(service: Service, request: Any) -> StatusCode:
    with pytest.raises(Refused) as found:
        service.chain(request)
    return found.value.code


def test_a_request_for_another_identity_is_refused(service: Service) -> None:
    request = IstioCertificateRequest(csr=csr(KEY, names(OTHER)))
    assert refused(service, request) is StatusCode.PERMISSION_DENIED


def test_nobody_impersonates(service: Service) -> None:
    request = IstioCertificateRequest(csr=csr())
    request.metadata["ImpersonatedIdentity"] = OTHER
    assert refused(service, request) is StatusCode.PERMISSION_DENIED


def test_an_unknown_signer_is_refused(service: Service) -> None:
    request = IstioCertificateRequest(csr=csr())
    request.metadata["CertSigner"] = "vault"
    assert refused(service, request) is StatusCode.INVALID_ARGUMENT


def test_a_long_life_is_refused(service: Service) -> None:
    request = IstioCertificateRequest(csr=csr(), validity_duration=91 * 86400)
    assert refused(service, request) is StatusCode.INVALID_ARGUMENT


def test_who_proves_nothing_is_refused_before_the_request_is_read(service: Service) -> None:
    with pytest.raises(Refused) as found:
        service.answer(b"nonsense", Peer())
    assert found.value.code is StatusCode.UNAUTHENTICATED


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_that_are_no_request_are_refused_with_a_status(message: bytes) -> None:
    with pytest.raises(Refused):
        leaf_request(message, Credential(WEB), now=0, policy=SigningPolicy())


def test_a_huge_request_is_refused() -> None:
    with pytest.raises(Refused, match="too large"):
        leaf_request(b"x" * 100_000, Credential(WEB), now=0, policy=SigningPolicy())
