"""A certificate authority that somebody else made, plugged in as files.

Istio's `cacerts`                                 or a Kubernetes TLS secret, as cert-manager makes
    ca-cert.pem     the signing certificate           tls.crt   signing certificate and above
    ca-key.pem      its key                           tls.key   its key
    cert-chain.pem  signing certificate and above     ca.crt    what peers trust
    root-cert.pem   what peers trust, one or more
    ca-crl.pem      revoked certificates, optional    ca.crl

A set counts only as a whole: a key that is not the certificate's, a chain with a gap, an
authority that may not sign or has expired are refused with the file's name.
"""

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa

from lateen.ca.authority import Authority, SigningKey
from lateen.ca.errors import AuthorityError
from lateen.ca.key_protection import KeyProtection, Plain

LARGEST_FILE = 1024 * 1024
SMALLEST_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class Layout:
    certificate: str
    key: str
    chain: str
    roots: str
    revoked: str


CACERTS = Layout("ca-cert.pem", "ca-key.pem", "cert-chain.pem", "root-cert.pem", "ca-crl.pem")
TLS = Layout("tls.crt", "tls.key", "tls.crt", "ca.crt", "ca.crl")
FILES = frozenset(
    name
    for layout in (CACERTS, TLS)
    for name in (layout.certificate, layout.key, layout.chain, layout.roots, layout.revoked)
)


@dataclass(frozen=True, slots=True)
class PluggedIn:
    authority: Authority
    revoked: str = ""  # PEM: revocation lists that came with it


def is_present(folder: Path) -> bool:
    return _layout(folder) is not None


def load(folder: Path, *, now: float, protection: KeyProtection | None = None) -> PluggedIn:
    """The folder's set, checked to belong together."""
    layout = _layout(folder)
    if layout is None:
        raise AuthorityError(f"{folder} holds neither {CACERTS.certificate} nor {TLS.certificate}")
    certificate = _certificates(folder / layout.certificate)[0]
    _check_may_sign(certificate, folder / layout.certificate, now)
    key = _key(folder / layout.key, protection or Plain())
    if key.public_key() != certificate.public_key():
        raise AuthorityError(f"{folder / layout.key} is not the key of {layout.certificate}")
    roots = tuple(dict.fromkeys(_certificates(folder / layout.roots)))
    known = {certificate, *roots}
    intermediates = tuple(other for other in _optional(folder / layout.chain) if other not in known)
    _check_reaches_root(certificate, intermediates, roots, folder=folder, layout=layout)
    return PluggedIn(
        Authority(key, certificate, intermediates, roots), _revoked(folder / layout.revoked)
    )


def _layout(folder: Path) -> Layout | None:
    for layout in (CACERTS, TLS):
        if (folder / layout.certificate).exists():
            return layout
    return None


def _read(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as missing:
        raise AuthorityError(f"cannot read {path}: {missing.strerror}") from missing
    if len(content) > LARGEST_FILE:
        raise AuthorityError(f"{path} is larger than {LARGEST_FILE} bytes")
    return content


def _key(path: Path, protection: KeyProtection) -> SigningKey:
    return protection.opened(_read(path), str(path))


def _certificates(path: Path) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(_read(path)))
    except ValueError as wrong:
        raise AuthorityError(f"{path} holds no PEM certificate: {wrong}") from wrong


def _optional(path: Path) -> tuple[x509.Certificate, ...]:
    return _certificates(path) if path.exists() else ()


def _revoked(path: Path) -> str:
    if not path.exists():
        return ""
    text = _read(path).decode(errors="replace")
    try:
        x509.load_pem_x509_crl(text.encode())
    except ValueError as wrong:
        raise AuthorityError(f"{path} is not a revocation list in PEM: {wrong}") from wrong
    return text if text.endswith("\n") else text + "\n"


def _check_may_sign(certificate: x509.Certificate, path: Path, now: float) -> None:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        is_authority = constraints.value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    if not is_authority:
        raise AuthorityError(f"{path} is not the certificate of an authority (CA:TRUE)")
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        usage = None
    if usage is not None and not usage.key_cert_sign:
        raise AuthorityError(f"{path} may not sign certificates (key usage keyCertSign)")
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < SMALLEST_RSA_BITS:
        raise AuthorityError(
            f"{path} has an RSA key of {key.key_size} bits; {SMALLEST_RSA_BITS} are the least"
        )
    if certificate.not_valid_after_utc.timestamp() <= now:
        raise AuthorityError(f"{path} expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M}")


def _check_reaches_root(
    certificate: x509.Certificate,
    intermediates: tuple[x509.Certificate, ...],
    roots: tuple[x509.Certificate, ...],
    *,
    folder: Path,
    layout: Layout,
) -> None:
    child = certificate
    for parent in intermediates:
        _check_issued(child, (parent,), folder / layout.chain, layout.chain)
        child = parent
    if child not in roots:
        _check_issued(child, roots, folder / layout.roots, layout.chain)


def _check_issued(
    child: x509.Certificate, parents: tuple[x509.Certificate, ...], path: Path, chain: str
) -> None:
    if not any(issued_by(child, parent) for parent in parents):
        raise AuthorityError(
            f"{path} does not continue the chain of {child.subject.rfc4514_string()}; "
            f"order {chain} from the signing certificate upwards"
        )


def issued_by(child: x509.Certificate, parent: x509.Certificate) -> bool:
    """Whether names and signature fit."""
    try:
        child.verify_directly_issued_by(parent)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
