"""SPIFFE trust bundles: the roots of a trust domain as a JSON document that it publishes.

A JSON web key set whose keys of `use` "x509-svid" carry one root each in `x5c` (SPIFFE trust domain
and bundle, 4.1). Keys for other uses are passed over. `spiffe_refresh_hint` says in seconds how
often to look again.
"""

import base64
import json
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lateen.identity.errors import IdentityError

USE = "x509-svid"
MOST_ROOTS = 100
DEFAULT_REFRESH_SECONDS = 300.0
SHORTEST_REFRESH_SECONDS, LONGEST_REFRESH_SECONDS = 30.0, 3600.0


@dataclass(frozen=True, slots=True)
class SpiffeBundle:
    roots: str  # PEM
    refresh_seconds: float


def read(text: bytes) -> SpiffeBundle:
    """IdentityError when it is not a bundle, or one without roots."""
    try:
        document = json.loads(text)
        keys = document["keys"]
        roots = [_root(key) for key in keys if key.get("use") == USE]
        hint = float(document.get("spiffe_refresh_hint") or DEFAULT_REFRESH_SECONDS)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as wrong:
        raise IdentityError("the document is not a SPIFFE bundle") from wrong
    if not 0 < len(roots) <= MOST_ROOTS:
        raise IdentityError(f"the SPIFFE bundle has {len(roots)} roots; 1 to {MOST_ROOTS} may be")
    pause = min(max(hint, SHORTEST_REFRESH_SECONDS), LONGEST_REFRESH_SECONDS)
    return SpiffeBundle("".join(dict.fromkeys(roots)), pause)


def _root(key: dict[str, list[str]]) -> str:
    (der,) = key["x5c"]
    certificate = x509.load_der_x509_certificate(base64.b64decode(der, validate=True))
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    if not constraints.ca:
        raise ValueError("not an authority")
    return certificate.public_bytes(Encoding.PEM).decode()
