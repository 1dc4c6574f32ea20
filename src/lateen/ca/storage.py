"""The authority's files, in the layout of Istio's `cacerts`.

    ca-cert.pem     the signing certificate          ca-key.pem     its key (mode 0600)
    cert-chain.pem  signing certificate and above    root-cert.pem  what peers trust

Files that are there are used as they are (a plugged-in intermediate, or the root of an earlier
run). Otherwise a root of our own is made. Several processes may start at once: the key that was
there first is everybody's key.
"""

from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from lateen.base.clock import Clock
from lateen.base.private_files import create_private, private_folder, write_private
from lateen.ca.authority import Authority, SigningKey, organisation, pem, self_signed
from lateen.ca.errors import AuthorityError

CERTIFICATE, KEY = "ca-cert.pem", "ca-key.pem"
CHAIN, ROOT = "cert-chain.pem", "root-cert.pem"
ROOT_TTL_SECONDS = 10 * 365 * 86400
RENEW_BELOW = 0.2  # of a self-signed root's life left: the same key is signed again


def load_or_create(folder: Path, *, trust_domain: str, clock: Clock) -> Authority:
    """The folder's authority. A root of our own near its end is renewed, same key."""
    private_folder(folder)
    if not (folder / CERTIFICATE).exists():
        _create(folder, trust_domain=trust_domain, clock=clock)
    authority = load(folder)
    is_ours = authority.certificate.subject == organisation(trust_domain)
    if authority.is_self_signed and is_ours and _is_near_end(authority.certificate, clock()):
        renewed = _root_certificate(authority.key, trust_domain, clock())
        _write_root(folder, renewed)
        return load(folder)
    return authority


def load(folder: Path) -> Authority:
    """The authority of files that are there, checked to belong together."""
    certificate = _certificates(folder / CERTIFICATE)[0]
    key = _private_key(folder / KEY)
    if key.public_key() != certificate.public_key():
        raise AuthorityError(f"{folder / KEY} is not the key of {folder / CERTIFICATE}")
    _check_may_sign(certificate, folder / CERTIFICATE)
    roots = _certificates(folder / ROOT)
    chain = _certificates(folder / CHAIN) if (folder / CHAIN).exists() else ()
    known = {certificate, *roots}
    intermediates = tuple(other for other in chain if other not in known)
    _check_reaches_root(certificate, intermediates, roots, folder)
    return Authority(key, certificate, intermediates, roots)


def _create(folder: Path, *, trust_domain: str, clock: Clock) -> None:
    if not (folder / KEY).exists():
        made = ec.generate_private_key(ec.SECP256R1())
        create_private(
            folder / KEY,
            made.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
    root = _root_certificate(_private_key(folder / KEY), trust_domain, clock())
    content = pem(root).encode()
    if create_private(folder / ROOT, content):
        create_private(folder / CHAIN, content)
    create_private(folder / CERTIFICATE, (folder / ROOT).read_bytes())


def _write_root(folder: Path, root: x509.Certificate) -> None:
    for name in (ROOT, CHAIN, CERTIFICATE):
        write_private(folder / name, pem(root).encode())


def _root_certificate(key: SigningKey, trust_domain: str, now: float) -> x509.Certificate:
    return self_signed(key, organisation(trust_domain), now=now, ttl_seconds=ROOT_TTL_SECONDS)


def _is_near_end(certificate: x509.Certificate, now: float) -> bool:
    starts = certificate.not_valid_before_utc.timestamp()
    ends = certificate.not_valid_after_utc.timestamp()
    return ends - now < RENEW_BELOW * (ends - starts)


def _certificates(path: Path) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except OSError as missing:
        raise AuthorityError(f"cannot read {path}: {missing.strerror}") from missing
    except ValueError as wrong:
        raise AuthorityError(f"{path} holds no PEM certificate: {wrong}") from wrong


def _private_key(path: Path) -> SigningKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except OSError as missing:
        raise AuthorityError(f"cannot read {path}: {missing.strerror}") from missing
    except (ValueError, TypeError) as wrong:
        raise AuthorityError(f"{path} is not an unencrypted private key: {wrong}") from wrong
    if not isinstance(
        key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    ):
        raise AuthorityError(f"{path} holds a key that cannot sign certificates")
    return key


def _check_may_sign(certificate: x509.Certificate, path: Path) -> None:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        is_authority = constraints.value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    if not is_authority:
        raise AuthorityError(f"{path} is not the certificate of an authority (CA:TRUE)")


def _check_reaches_root(
    certificate: x509.Certificate,
    intermediates: tuple[x509.Certificate, ...],
    roots: tuple[x509.Certificate, ...],
    folder: Path,
) -> None:
    child = certificate
    for parent in intermediates:
        _check_issued(child, (parent,), folder / CHAIN)
        child = parent
    if child not in roots:
        _check_issued(child, roots, folder / ROOT)


def _check_issued(
    child: x509.Certificate, parents: tuple[x509.Certificate, ...], path: Path
) -> None:
    for parent in parents:
        try:
            child.verify_directly_issued_by(parent)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return
    raise AuthorityError(
        f"{path} does not continue the chain of {child.subject.rfc4514_string()}; "
        "order cert-chain.pem from the signing certificate upwards"
    )
