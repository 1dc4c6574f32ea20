"""Which roots the mesh trusts, since when and until when; kept in one file that changes at once.

    since        peers are told of the root from then on
    adopted      every leaf that was issued before `since` has ended, so every proxy knows the root
    leaves_end   no leaf that chains to the root lives longer than that
    retired      nothing is signed below it any more

A root may sign once it is adopted, and may go once it is retired and its leaves have ended: then
no working proxy notices. The file never says less than what is true: the end of leaves is written
ahead of them, before the leaf is handed out.
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lateen.base.private_files import create_private, write_private
from lateen.ca.authority import pem
from lateen.ca.errors import AuthorityError

FILE = "authority.json"
AHEAD_RATIO = 0.1  # of a leaf's life: how far ahead its end is written, so that few leaves write
OWN = "own"


class TrustedRoot(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    certificate: str  # PEM
    source: str = OWN
    since: float
    adopted: float = 0.0
    leaves_end: float = 0.0
    retired: float = 0.0

    @property
    def loaded(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate.encode())


class TrustState(msgspec.Struct, frozen=True, kw_only=True):
    """The file. `signing` is the id of the own root that signs, when an own root does."""

    signing: str = ""
    automatic: bool = False  # the rotation under way goes on by itself
    roots: tuple[TrustedRoot, ...] = ()

    def find(self, wanted: str) -> TrustedRoot | None:
        return next((root for root in self.roots if root.id == wanted), None)

    def replaced(self, new: TrustedRoot) -> "TrustState":
        changed = tuple(new if root.id == new.id else root for root in self.roots)
        return msgspec.structs.replace(self, roots=changed)

    @property
    def leaves_end(self) -> float:
        return max((root.leaves_end for root in self.roots), default=0.0)


@lru_cache(maxsize=256)
def root_id(certificate: x509.Certificate) -> str:
    """The first half of its SHA-256 fingerprint, in hexadecimal."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()[:32]


def trusted(
    state: TrustState, certificates: Iterable[x509.Certificate], *, source: str, now: float
) -> TrustState:
    """The state with these roots trusted too; those that are there already stay as they are."""
    known = {root.id for root in state.roots}
    added = tuple(
        TrustedRoot(
            id=root_id(certificate),
            certificate=pem(certificate),
            source=source,
            since=now,
            adopted=state.leaves_end,
        )
        for certificate in dict.fromkeys(certificates)
        if root_id(certificate) not in known
    )
    return msgspec.structs.replace(state, roots=(*state.roots, *added))


def with_leaf(state: TrustState, ids: Iterable[str], *, now: float, ends: float) -> TrustState:
    """The state in which a leaf below these roots may be handed out; often the same state."""
    ahead = ends + AHEAD_RATIO * (ends - now)
    for root in state.roots:
        if root.id in ids and root.leaves_end < ends:
            state = state.replaced(msgspec.structs.replace(root, leaves_end=ahead))
    return state


def read(folder: Path) -> TrustState | None:
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=TrustState)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as wrong:
        raise AuthorityError(f"{path} cannot be read: {wrong}") from wrong


def write(folder: Path, state: TrustState) -> None:
    write_private(folder / FILE, _text(state))


def create(folder: Path, state: TrustState) -> bool:
    """False when there is one already."""
    return create_private(folder / FILE, _text(state))


def _text(state: TrustState) -> bytes:
    return msgspec.json.format(msgspec.json.encode(state), indent=1)
