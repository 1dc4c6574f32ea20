"""An issuer's keys in a file, read again when it changes; a file that went bad changes nothing."""

import logging
from pathlib import Path

from lateen.base.clock import Clock
from lateen.identity.errors import IdentityError
from lateen.identity.public_keys import VerificationKey, parse

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # at most so often the file is looked at


class KeyFile:
    """Owns what it has read. IdentityError at first when the file holds no key."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._stamp = self._seen()
        self._due = clock() + LOOK_SECONDS
        self._keys = self._read()

    def __call__(self) -> tuple[VerificationKey, ...]:
        if self._clock() >= self._due:
            self._due = self._clock() + LOOK_SECONDS
            self._refresh()
        return self._keys

    def _refresh(self) -> None:
        try:
            seen = self._seen()
            if seen != self._stamp:
                self._keys = self._read()
                self._stamp = seen
                log.info("issuer's keys changed", extra={"file": str(self._path)})
        except IdentityError as trouble:
            log.error("issuer's keys not read again", extra={"reason": str(trouble)})

    def _seen(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except OSError as missing:
            raise IdentityError(f"cannot read {self._path}: {missing.strerror}") from missing
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _read(self) -> tuple[VerificationKey, ...]:
        try:
            return parse(self._path.read_bytes())
        except OSError as missing:
            raise IdentityError(f"cannot read {self._path}: {missing.strerror}") from missing
        except IdentityError as wrong:
            raise IdentityError(f"{self._path}: {wrong}") from wrong
