"""The authority's own roots on disk: made, opened, added, and destroyed with their keys.

    authority.json       which are trusted and which one signs (see `trusted_roots`)
    roots/ID.pem         certificate and key of one root, mode 0600

A root's file is written before the state names it and removed after the state has dropped it, so
that a crash at any moment leaves a state whose files are all there. Several processes may start
at once: the root that the first of them wrote into the state is everybody's root.
"""

import contextlib
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from lateen.base.private_files import private_folder, write_private
from lateen.ca import trusted_roots
from lateen.ca.authority import Authority, SigningKey, pem, root_name, self_signed
from lateen.ca.errors import AuthorityError
from lateen.ca.key_protection import KeyProtection, is_sealed
from lateen.ca.trusted_roots import OWN, TrustedRoot, TrustState, root_id

ROOTS = "roots"
ROOT_SECONDS = 10 * 365 * 86400


class OwnRoots:
    """Owns the folder's keys. Keys are opened when they sign and stay in this process."""

    def __init__(
        self, folder: Path, *, trust_domain: str, protection: KeyProtection,
        root_seconds: float = ROOT_SECONDS,
    ) -> None:  # fmt: skip
        self._folder = private_folder(folder)
        private_folder(folder / ROOTS)
        self._trust_domain = trust_domain
        self._protection = protection
        self._root_seconds = root_seconds

    def load_or_create(self, *, now: float) -> TrustState:
        """The state, with an own root that signs and has not expired."""
        state = trusted_roots.read(self._folder)
        if state is None:
            made = self._first(now)
            if trusted_roots.create(self._folder, made):
                return made
            self.destroy(made.signing)  # another process was first
            state = trusted_roots.read(self._folder) or made
        signing = state.find(state.signing)
        if signing is None or signing.loaded.not_valid_after_utc.timestamp() <= now:
            state = self._after_the_end(state, now)
            trusted_roots.write(self._folder, state)
        return state

    def sweep(self, state: TrustState) -> None:
        """Removes files that a crash left behind. For the one process that changes the state."""
        known = {root.id for root in state.roots}
        for path in (self._folder / ROOTS).glob("*.pem"):
            if path.stem not in known:
                path.unlink(missing_ok=True)

    def make(self, *, now: float) -> x509.Certificate:
        """A new root, whose file is there when this returns."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self_signed(
            key, root_name(self._trust_domain, key), now=now, ttl_seconds=self._root_seconds
        )
        self._write(certificate, key)
        return certificate

    def authority(self, root: TrustedRoot) -> Authority:
        """What signs with this root. Its key is sealed as wished from now on, if it was not."""
        path = self._path(root.id)
        try:
            text = path.read_bytes()
        except OSError as missing:
            raise AuthorityError(f"cannot read {path}: {missing.strerror}") from missing
        key = self._protection.opened(text, str(path))
        certificate = root.loaded
        if key.public_key() != certificate.public_key():
            raise AuthorityError(f"{path} does not hold the key of the root {root.id}")
        if self._protection.seals and not is_sealed(text):
            self._write(certificate, key)
        return Authority(key, certificate, (), (certificate,))

    def destroy(self, wanted: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._path(wanted).unlink()

    def _first(self, now: float) -> TrustState:
        certificate = self.make(now=now)
        state = trusted_roots.trusted(TrustState(), (certificate,), source=OWN, now=now)
        return TrustState(signing=root_id(certificate), roots=state.roots)

    def _after_the_end(self, state: TrustState, now: float) -> TrustState:
        """Whoever trusted an expired root trusts nobody by now: a new one signs at once."""
        certificate = self.make(now=now)
        kept = tuple(
            root for root in state.roots if root.loaded.not_valid_after_utc.timestamp() > now
        )
        state = TrustState(signing=root_id(certificate), roots=kept)
        return trusted_roots.trusted(state, (certificate,), source=OWN, now=now)

    def _write(self, certificate: x509.Certificate, key: SigningKey) -> None:
        content = pem(certificate).encode() + self._protection.sealed(key)
        write_private(self._path(root_id(certificate)), content)

    def _path(self, wanted: str) -> Path:
        return self._folder / ROOTS / f"{wanted}.pem"
