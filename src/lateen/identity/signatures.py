"""Signatures of JSON web tokens (RFC 7518), by keys that fix their algorithm."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from lateen.identity.public_keys import PublicKey

HASHES: dict[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}


def is_signed(key: PublicKey, algorithm: str, body: bytes, signature: bytes) -> bool:
    """`algorithm` is one that the key allows."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            digest = HASHES[algorithm[2:]]
            key.verify(signature, body, _padding(algorithm, digest), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            half = (key.key_size + 7) // 8
            if len(signature) != 2 * half:
                return False
            r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
            key.verify(encode_dss_signature(r, s), body, ec.ECDSA(HASHES[algorithm[2:]]))
        else:
            key.verify(signature, body)
    except InvalidSignature:
        return False
    return True


def _padding(algorithm: str, digest: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    if algorithm.startswith("PS"):
        return padding.PSS(padding.MGF1(digest), digest.digest_size)
    return padding.PKCS1v15()
