"""A server elsewhere is not believed: what it answers is compared with what was asked for."""

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from lateen.ca.authority import Authority, instant, key_usage, organisation, self_signed
from lateen.ca.errors import AuthorityError
from lateen.ca.signer import SignedLeaf, checked
from tests.unit.ca.requests import KEY, WEB, leaf_request
from tests.unit.ca.times import Time

NOW = Time().now
SIGNING = ec.generate_private_key(ec.SECP256R1())
ROOT = self_signed(SIGNING, organisation("company"), now=NOW, ttl_seconds=86400)
SERVER = Authority(SIGNING, ROOT, (), (ROOT,))
OTHER = ec.generate_private_key(ec.SECP256R1())
STRANGER = self_signed(OTHER, organisation("stranger"), now=NOW, ttl_seconds=86400)
REQUEST = leaf_request(NOW, ttl_seconds=600)


def uri(text: object) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(str(text))


def answer(
    *names: x509.GeneralName, key: Any = KEY, now: float = NOW, ttl_seconds: float = 600
) -> SignedLeaf:
    leaf = SERVER.issue(key.public_key(), names or REQUEST.names, now=now, ttl_seconds=ttl_seconds)
    return SignedLeaf(leaf, (), (ROOT,))


def with_extension(extension: x509.ExtensionType) -> SignedLeaf:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(ROOT.subject)
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(instant(NOW))
        .not_valid_after(instant(NOW + 600))
        .add_extension(x509.SubjectAlternativeName(REQUEST.names), critical=True)
        .add_extension(extension, critical=True)
    )
    return SignedLeaf(builder.sign(SIGNING, hashes.SHA256()), (), (ROOT,))


def test_what_was_asked_for_is_accepted() -> None:
    assert checked(answer(), REQUEST)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: answer(key=OTHER), "another key"),
        (lambda: answer(uri("spiffe://cluster.local/ns/shop/sa/cart")), "not asked for"),
        (lambda: answer(uri(WEB), uri("spiffe://cluster.local/ns/a/sa/b")), "not asked for"),
        (lambda: answer(uri(WEB), x509.DNSName("istiod.istio-system.svc")), "not asked for"),
        (lambda: answer(ttl_seconds=3600), "longer than was asked"),
        (lambda: answer(now=NOW - 700), "expired already"),
        (lambda: answer(now=NOW + 400, ttl_seconds=200), "not valid yet"),
        (lambda: with_extension(x509.BasicConstraints(ca=True, path_length=None)), "sign others"),
        (lambda: with_extension(key_usage("key_cert_sign")), "sign others"),
        (lambda: SignedLeaf(answer().certificate, (), (STRANGER,)), "lead to a root"),
        (lambda: SignedLeaf(answer().certificate, (STRANGER,), (ROOT,)), "does not connect"),
        (lambda: SignedLeaf(answer().certificate, (ROOT,) * 20, (ROOT,)), "too long"),
    ],
)
def test_anything_else_is_refused(wrong: Any, words: str) -> None:
    with pytest.raises(AuthorityError, match=words):
        checked(wrong(), REQUEST)


def test_a_certificate_without_names_is_refused() -> None:
    leaf = self_signed(KEY, organisation("x"), now=NOW, ttl_seconds=600)
    with pytest.raises(AuthorityError, match="names no identity"):
        checked(SignedLeaf(leaf, (), (leaf,)), REQUEST)
