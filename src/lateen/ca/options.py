"""What users say about the certificate authority: the file of `lateen control --authority`, and
the section `authority` of lateen.yaml.

    folder: cacerts                      # a plugged-in authority (default: a root of our own)
    passphraseFile: /etc/lateen/secret   # keys on disk are encrypted by it; fd:N: a descriptor
    kmsCommand: /usr/bin/our-kms         # or by a command, see `key_protection`
    rootDays: 3650                       # life of an own root
    rotateRootAfterDays: 0               # 0: at 80 % of its life
    rotateRoot: true                     # false: only by hand
    longestCertificateHours: 2160        # longer wishes are refused

Relative paths start at the file's folder. Unknown fields are refused.
"""

from pathlib import Path

import msgspec
import yaml

from lateen.ca.certificate_authority import AuthoritySettings
from lateen.ca.errors import AuthorityError
from lateen.ca.key_protection import protection
from lateen.ca.request_policy import LONGEST_TTL_SECONDS
from lateen.ca.rotation import Schedule

DAY, HOUR = 86400.0, 3600
DEFAULT_ROOT_DAYS = 3650.0


class Section(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """Base of the parts."""


class AuthorityOptions(Section, frozen=True, kw_only=True):
    folder: str = ""
    passphrase_file: str = ""
    kms_command: str = ""
    root_days: float = DEFAULT_ROOT_DAYS
    rotate_root_after_days: float = 0.0
    rotate_root: bool = True
    longest_certificate_hours: float = LONGEST_TTL_SECONDS / HOUR

    def settings(self, trust_domain: str) -> AuthoritySettings:
        """AuthorityError when passphrase or command cannot be used."""
        return AuthoritySettings(
            trust_domain=trust_domain,
            protection=protection(
                passphrase_file=self.passphrase_file, kms_command=self.kms_command
            ),
            plugged_in=Path(self.folder) if self.folder else None,
            root_seconds=self.root_days * DAY,
            schedule=Schedule(self.rotate_root, self.rotate_root_after_days * DAY),
        )

    def relative_to(self, folder: Path) -> "AuthorityOptions":
        """With paths that hold from everywhere."""
        return msgspec.structs.replace(
            self,
            folder=_absolute(self.folder, folder),
            passphrase_file=_absolute(self.passphrase_file, folder),
        )


def read(path: Path) -> AuthorityOptions:
    """The file, YAML or JSON; AuthorityError names file and field."""
    try:
        content = yaml.safe_load(path.read_text())
        options = msgspec.convert(content or {}, AuthorityOptions)
    except OSError as missing:
        raise AuthorityError(f"cannot read {path}: {missing.strerror}") from missing
    except (yaml.YAMLError, msgspec.ValidationError) as wrong:
        raise AuthorityError(f"{path}: {wrong}") from wrong
    return options.relative_to(path.parent.resolve())


def encode(options: AuthorityOptions) -> bytes:
    """The file's content, for whoever starts control planes."""
    return msgspec.json.format(msgspec.json.encode(options), indent=1)


def _absolute(path: str, folder: Path) -> str:
    return path if not path or path.startswith("fd:") else str(folder / path)
