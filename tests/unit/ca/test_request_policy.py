"""Requests that are signed and requests that are not."""

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from lateen.ca import request_policy
from lateen.ca.authority import key_usage
from lateen.ca.request_policy import SigningPolicy
from lateen.identity.credential import Credential
from lateen.identity.errors import Refused, StatusCode
from lateen.identity.labels import WorkloadLabels
from tests.unit.ca.requests import KEY, WEB, csr, names

OF_WEB = Credential(WEB, WorkloadLabels(app="web"))
POLICY = SigningPolicy(trust_domains=("cluster.local", "old.local"))
OTHER = "spiffe://cluster.local/ns/shop/sa/cart"


def judged(text: str) -> StatusCode | None:
    try:
        request_policy.public_key(text, OF_WEB, POLICY)
    except Refused as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize(
    "extension",
    [
        names(str(WEB)),
        names("spiffe://old.local/ns/shop/sa/web"),
        x509.SubjectAlternativeName([x509.DNSName("app=web")]),
        x509.BasicConstraints(ca=False, path_length=None),
        key_usage("digital_signature", "key_encipherment"),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
    ],
)
def test_what_the_caller_has_may_be_asked_for(extension: Any) -> None:
    assert judged(csr(KEY, extension)) is None


@pytest.mark.parametrize(
    "extension",
    [
        names(OTHER),
        names(str(WEB), OTHER),
        names(str(WEB), "spiffe://old.local/ns/shop/sa/web"),
        names("spiffe://foreign/ns/shop/sa/web"),
        names(str(WEB) + "/more"),
        x509.SubjectAlternativeName([x509.DNSName("istiod.istio-system.svc")]),
        x509.SubjectAlternativeName([x509.DNSName("app=cart")]),
        x509.SubjectAlternativeName([x509.RFC822Name("root@example.com")]),
        x509.BasicConstraints(ca=True, path_length=None),
        key_usage("key_cert_sign"),
        key_usage("crl_sign"),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]),
    ],
)
def test_what_the_caller_has_not_is_refused(extension: Any) -> None:
    assert judged(csr(KEY, extension)) is StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ],
)
def test_strong_keys_are_signed(key: Any) -> None:
    assert judged(csr(key)) is None


def test_an_edwards_key_is_signed() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, None)
    assert judged(request.public_bytes(Encoding.PEM).decode()) is None


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP192R1()),
        ec.generate_private_key(ec.SECP224R1()),
        ec.generate_private_key(ec.SECP256K1()),
        rsa.generate_private_key(public_exponent=65537, key_size=1024),
        dsa.generate_private_key(key_size=2048),
    ],
)
def test_weak_and_odd_keys_are_refused(key: Any) -> None:
    assert judged(csr(key)) is StatusCode.INVALID_ARGUMENT


# openssl req -new -sha1 -subj /: the library of these tests makes no such request
SHA1 = """-----BEGIN CERTIFICATE REQUEST-----
MIG6MGICAQAwADBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABH3ofkJGF3kXeXae
m4lEvwjP1Y5HOps2uhZPcnwAGfziQ8UO4QAiP3/WXm5PUgnZDLdG0yHxGQe1oJLa
kmH19LigADAJBgcqhkjOPQQBA0kAMEYCIQCpAL+ljOq10LrSYcIbycLSouotntHP
0OQB1pVMxGNIBQIhAK3EEP7oKLbq4MiYJyafDPX5MWrfJoqKxPPvTnw7VORh
-----END CERTIFICATE REQUEST-----
"""


@pytest.mark.parametrize("text", [SHA1, csr(KEY, digest=hashes.SHA224())])
def test_a_weak_digest_is_refused(text: str) -> None:
    assert judged(text) is StatusCode.INVALID_ARGUMENT


def test_a_request_with_a_wrong_signature_is_refused() -> None:
    request = x509.load_pem_x509_csr(csr().encode()).public_bytes(Encoding.DER)
    forged = base64.b64encode(request[:-1] + bytes((request[-1] ^ 1,))).decode()
    text = f"-----BEGIN CERTIFICATE REQUEST-----\n{forged}\n-----END CERTIFICATE REQUEST-----\n"
    assert judged(text) is StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("text", ["", "nonsense", "-----BEGIN CERTIFICATE REQUEST-----"])
def test_an_unreadable_request_is_refused(text: str) -> None:
    assert judged(text) is StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("wished", "granted"), [(0, 86400), (-5, 86400), (60, 60), (90 * 86400, 90 * 86400)]
)
def test_the_wished_time_is_granted_within_limits(wished: int, granted: int) -> None:
    assert request_policy.ttl_seconds(wished, POLICY) == granted


def test_more_than_ninety_days_are_refused() -> None:
    with pytest.raises(Refused, match="longer"):
        request_policy.ttl_seconds(90 * 86400 + 1, POLICY)
