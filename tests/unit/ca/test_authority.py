"""What a leaf looks like."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from lateen.ca.authority import Authority, organisation, self_signed
from lateen.ca.errors import AuthorityError

NOW = 1_800_000_000.0
KEY = ec.generate_private_key(ec.SECP256R1())
ROOT = self_signed(KEY, organisation("cluster.local"), now=NOW, ttl_seconds=1000)
AUTHORITY = Authority(KEY, ROOT, (), (ROOT,))


def issue(*, ttl_seconds: float = 100, now: float = NOW) -> x509.Certificate:
    return AUTHORITY.issue(KEY.public_key(), [x509.DNSName("a")], now=now, ttl_seconds=ttl_seconds)


def test_a_leaf_begins_two_minutes_ago() -> None:
    leaf = issue()
    assert leaf.not_valid_before_utc.timestamp() == NOW - 120
    assert leaf.not_valid_after_utc.timestamp() == NOW + 100


def test_a_leaf_does_not_outlive_its_authority() -> None:
    assert issue(ttl_seconds=5000).not_valid_after_utc == ROOT.not_valid_after_utc


def test_an_expired_authority_signs_nothing() -> None:
    with pytest.raises(AuthorityError, match="expired"):
        issue(now=NOW + 2000)


def test_a_leaf_serves_both_ends_and_signs_nothing() -> None:
    extensions = issue().extensions
    assert set(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    }
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_a_self_signed_chain_is_leaf_and_root() -> None:
    leaf = issue()
    assert len(AUTHORITY.chain(leaf)) == 2
    leaf.verify_directly_issued_by(ROOT)


def test_an_authority_does_not_show_its_key() -> None:
    assert "key=" not in repr(AUTHORITY)
