"""The plugged-in set that signed last, kept: a set that is wrong, or whose root is not known to
every proxy yet, leaves it in force, through a restart too.

One file, `in-force.json`, so that it changes at once; the key in it is sealed like every other.
"""

import contextlib
from pathlib import Path

import msgspec
from cryptography import x509

from lateen.base.private_files import write_private
from lateen.ca.authority import Authority, pem
from lateen.ca.errors import AuthorityError
from lateen.ca.key_protection import KeyProtection

FILE = "in-force.json"


class Kept(msgspec.Struct, frozen=True):
    key: str
    certificate: str
    intermediates: tuple[str, ...]
    roots: tuple[str, ...]


def keep(folder: Path, authority: Authority, protection: KeyProtection) -> None:
    kept = Kept(
        key=protection.sealed(authority.key).decode(),
        certificate=pem(authority.certificate),
        intermediates=tuple(map(pem, authority.intermediates)),
        roots=tuple(map(pem, authority.roots)),
    )
    write_private(folder / FILE, msgspec.json.encode(kept))


def find(folder: Path, protection: KeyProtection, *, now: float) -> Authority | None:
    """None when nothing was kept or it has expired."""
    path = folder / FILE
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=Kept)
        certificate = _loaded(kept.certificate)
        if certificate.not_valid_after_utc.timestamp() <= now:
            return None
        return Authority(
            protection.opened(kept.key.encode(), str(path)),
            certificate,
            tuple(map(_loaded, kept.intermediates)),
            tuple(map(_loaded, kept.roots)),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as wrong:
        raise AuthorityError(f"{path} cannot be read: {wrong}") from wrong


def forget(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        (folder / FILE).unlink()


def _loaded(text: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(text.encode())
