"""How the authority's private keys lie on disk: plain, under a passphrase, or under a KMS.

    plain         PKCS #8, readable by its owner alone (0600)
    passphrase    PKCS #8, encrypted (PBES2, AES-256); `openssl` reads it too
    KMS command   a PEM block whose content only the command can turn back into the key

The command's contract: `COMMAND encrypt` and `COMMAND decrypt` read bytes on standard input and
write the result on standard output; exit code 0 means done. What it reads and writes is at most
64 kB, and it has 30 seconds. It finds its own credentials: Lateen passes none.
"""

import base64
import shlex
import subprocess
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

from lateen.ca.authority import SigningKey
from lateen.ca.errors import AuthorityError

KMS_BEGIN = "-----BEGIN LATEEN KMS ENCRYPTED KEY-----"
KMS_END = "-----END LATEEN KMS ENCRYPTED KEY-----"
KMS_SECONDS = 30
LARGEST_OUTPUT = 64 * 1024
ENCRYPTED = b"ENCRYPTED PRIVATE KEY"
PROC_TYPE = b"Proc-Type: 4,ENCRYPTED"  # the older form of OpenSSL


class KeyProtection(Protocol):
    """Both raise AuthorityError with the reason, never with key or passphrase."""

    seals: ClassVar[bool]  # whether keys are unreadable where they lie

    def sealed(self, key: SigningKey) -> bytes:
        """PEM, as it is to be written."""

    def opened(self, text: bytes, name: str) -> SigningKey:
        """The key of a file's content; `name` is for messages."""


@dataclass(frozen=True, slots=True)
class Plain:
    seals: ClassVar[bool] = False

    def sealed(self, key: SigningKey) -> bytes:
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, serialization.NoEncryption())

    def opened(self, text: bytes, name: str) -> SigningKey:
        if is_sealed(text):
            raise AuthorityError(
                f"the key in {name} is encrypted; name its passphrase or KMS command "
                "(passphraseFile or kmsCommand in the settings of the authority)"
            )
        return _loaded(text, None, name)


@dataclass(frozen=True, slots=True)
class Passphrase:
    seals: ClassVar[bool] = True
    secret: bytes = field(repr=False)

    def sealed(self, key: SigningKey) -> bytes:
        return key.private_bytes(
            Encoding.PEM,
            PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(self.secret),
        )

    def opened(self, text: bytes, name: str) -> SigningKey:
        _refuse_kms(text, name)
        return _loaded(text, self.secret if is_sealed(text) else None, name)


@dataclass(frozen=True, slots=True)
class KmsCommand:
    seals: ClassVar[bool] = True
    command: tuple[str, ...]

    def sealed(self, key: SigningKey) -> bytes:
        plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, serialization.NoEncryption())
        lines = textwrap.wrap(base64.b64encode(self._run("encrypt", plain)).decode(), 64)
        return "\n".join((KMS_BEGIN, *lines, KMS_END, "")).encode()

    def opened(self, text: bytes, name: str) -> SigningKey:
        begin = text.find(KMS_BEGIN.encode())
        if begin < 0:
            return _loaded(text, None, name)
        end = text.find(KMS_END.encode(), begin)
        try:
            sealed = base64.b64decode(text[begin + len(KMS_BEGIN) : end])
            plain = self._run("decrypt", sealed)
            return _checked(serialization.load_der_private_key(plain, None), name)
        except (ValueError, TypeError, UnsupportedAlgorithm) as wrong:
            raise AuthorityError(f"what the KMS command made of {name} is not a key") from wrong

    def _run(self, action: str, content: bytes) -> bytes:
        try:
            done = subprocess.run(
                (*self.command, action),
                input=content,
                capture_output=True,
                timeout=KMS_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as trouble:
            raise AuthorityError(f"the KMS command {self.command[0]!r} failed: {trouble}") from None
        if done.returncode != 0 or not 0 < len(done.stdout) <= LARGEST_OUTPUT:
            said = done.stderr.decode(errors="replace").strip()[:300]
            raise AuthorityError(
                f"the KMS command {self.command[0]!r} could not {action} the key "
                f"(exit code {done.returncode}, {len(done.stdout)} bytes): {said}"
            )
        return done.stdout


def protection(*, passphrase_file: str = "", kms_command: str = "") -> KeyProtection:
    """As the command line says. `fd:N` reads the passphrase from an inherited descriptor."""
    if passphrase_file and kms_command:
        raise AuthorityError("name a passphrase file or a KMS command, not both")
    if kms_command:
        words = tuple(shlex.split(kms_command))
        if not words:
            raise AuthorityError("the KMS command is empty")
        return KmsCommand(words)
    return Passphrase(_passphrase(passphrase_file)) if passphrase_file else Plain()


def is_sealed(text: bytes) -> bool:
    return KMS_BEGIN.encode() in text or ENCRYPTED in text or PROC_TYPE in text


def _passphrase(file: str) -> bytes:
    try:
        if file.startswith("fd:"):
            with open(int(file.removeprefix("fd:")), "rb") as opened:
                found = opened.read(LARGEST_OUTPUT)
        else:
            found = Path(file).read_bytes()
    except (OSError, ValueError) as missing:
        raise AuthorityError(f"cannot read the passphrase from {file}: {missing}") from missing
    secret = found.rstrip(b"\r\n")
    if not secret:
        raise AuthorityError(f"the passphrase in {file} is empty")
    return secret


def _refuse_kms(text: bytes, name: str) -> None:
    if KMS_BEGIN.encode() in text:
        raise AuthorityError(f"the key in {name} is encrypted by a KMS; name its kmsCommand")


def _loaded(text: bytes, passphrase: bytes | None, name: str) -> SigningKey:
    try:
        key = serialization.load_pem_private_key(text, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as wrong:
        why = "cannot be opened with the passphrase" if passphrase else "is not a private key"
        raise AuthorityError(f"{name} {why}") from wrong
    return _checked(key, name)


def _checked(key: object, name: str) -> SigningKey:
    if not isinstance(
        key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    ):
        raise AuthorityError(f"{name} holds a key that cannot sign certificates")
    return key
