"""Revocation lists cover every issuer, or there are none."""

import datetime
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from lateen.ca.authority import Authority, organisation, self_signed
from lateen.ca.issued import IssuedLeaf
from lateen.ca.revocation import revocation_list, revocations, split
from lateen.ca.trusted_roots import root_id

NOW = float(int(time.time()))


def authority(name: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    root = self_signed(key, organisation(name), now=NOW, ttl_seconds=86400)
    return Authority(key, root, (), (root,))


def below(parent: Authority, name: str) -> Authority:
    """An intermediate."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(organisation(name))
        .issuer_name(parent.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime.fromtimestamp(NOW, datetime.UTC))
        .not_valid_after(parent.certificate.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(parent.key, hashes.SHA256())
    )
    return Authority(key, certificate, (), parent.roots)


OLD, NEW = authority("old"), authority("new")
MIDDLE = below(OLD, "middle")


def leaf(issuer: Authority, serial: str = "abc", identity: str = "web") -> IssuedLeaf:
    return IssuedLeaf(identity, serial, root_id(issuer.certificate), NOW + 3600)


def revoked(lists: str, issuer: Authority) -> set[int]:
    for found in split(lists):
        if found.issuer == issuer.certificate.subject:
            return {each.serial_number for each in found}
    raise AssertionError("no list of that issuer")


def test_every_issuer_has_a_list_even_where_nothing_is_revoked() -> None:
    found = revocations((NEW, OLD), [leaf(OLD), leaf(NEW, "def", "cart")], ["web"], now=NOW)
    assert revoked(found.lists, OLD) == {0xABC}
    assert revoked(found.lists, NEW) == set()
    assert not found.whole_chain


def test_without_the_key_of_an_issuer_of_live_leaves_there_are_no_lists() -> None:
    assert not revocations((NEW,), [leaf(OLD), leaf(NEW)], ["web"], now=NOW).lists


def test_lists_last_as_long_as_their_issuer() -> None:
    found = x509.load_pem_x509_crl(revocation_list(OLD, ["abc"], now=NOW).encode())
    assert found.next_update_utc == OLD.certificate.not_valid_after_utc
    assert found.is_signature_valid(OLD.key.public_key())  # type: ignore[arg-type]


def test_a_supplied_list_of_our_issuer_goes_into_ours() -> None:
    supplied = revocation_list(MIDDLE, ["def"], now=NOW)
    found = revocations((MIDDLE,), [leaf(MIDDLE)], ["web"], supplied=supplied, now=NOW)
    assert revoked(found.lists, MIDDLE) == {0xABC, 0xDEF}
    assert len(split(found.lists)) == 1


def test_the_whole_chain_is_checked_where_supplied_lists_cover_it() -> None:
    supplied = revocation_list(OLD, [f"{MIDDLE.certificate.serial_number:x}"], now=NOW)
    found = revocations((MIDDLE,), [leaf(MIDDLE)], [], supplied=supplied, now=NOW)
    assert found.whole_chain
    assert revoked(found.lists, OLD) == {MIDDLE.certificate.serial_number}


def test_the_whole_chain_is_not_checked_while_leaves_of_another_issuer_live() -> None:
    supplied = revocation_list(OLD, [], now=NOW)
    live = [leaf(MIDDLE), leaf(NEW)]
    assert not revocations((MIDDLE, NEW), live, [], supplied=supplied, now=NOW).whole_chain


def test_a_supplied_list_is_left_as_it_was_signed() -> None:
    supplied = revocation_list(OLD, [], now=NOW)
    found = revocations((MIDDLE,), [leaf(MIDDLE)], [], supplied=supplied, now=NOW).lists
    texts = [each.public_bytes(Encoding.PEM).decode() for each in split(found)]
    assert supplied in texts
