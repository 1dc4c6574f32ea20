"""What users say about the certificate authority: the file of `lateen control --authority`, and
the section `authority` of lateen.yaml.

    folder: cacerts                      # a plugged-in authority (default: a root of our own)
    passphraseFile: /etc/lateen/secret   # keys on disk are encrypted by it; fd:N: a descriptor
    kmsCommand: /usr/bin/our-kms         # or by a command, see `key_protection`
    rootDays: 3650                       # life of an own root
    rotateRootAfterDays: 0               # 0: at 80 % of its life
    rotateRoot: true                     # false: only by hand
    longestCertificateHours: 2160        # longer wishes are refused
    vault: {...}                         # a server that signs instead: see `vault`,
    kubernetes: {...}                    #   `kubernetes_signer`

Relative paths start at the file's folder. Unknown fields are refused.
"""

from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from lateen.base.clock import Clock
from lateen.ca.errors import AuthorityError
from lateen.ca.key_protection import protection
from lateen.ca.kubernetes_signer import KubernetesOptions, KubernetesSigner
from lateen.ca.request_policy import LONGEST_TTL_SECONDS
from lateen.ca.rotation import Schedule
from lateen.ca.section import Section
from lateen.ca.settings import AuthoritySettings
from lateen.ca.signer import Signer
from lateen.ca.vault import VaultOptions, VaultSigner

S = TypeVar("S", bound=Section)

DAY, HOUR = 86400.0, 3600
DEFAULT_ROOT_DAYS = 3650.0


class AuthorityOptions(Section, frozen=True, kw_only=True):
    folder: str = ""
    passphrase_file: str = ""
    kms_command: str = ""
    root_days: float = DEFAULT_ROOT_DAYS
    rotate_root_after_days: float = 0.0
    rotate_root: bool = True
    longest_certificate_hours: float = LONGEST_TTL_SECONDS / HOUR
    vault: VaultOptions | None = None
    kubernetes: KubernetesOptions | None = None

    def settings(self, trust_domain: str) -> AuthoritySettings:
        """AuthorityError when passphrase or command cannot be used."""
        return AuthoritySettings(
            trust_domain=trust_domain,
            protection=protection(
                passphrase_file=self.passphrase_file, kms_command=self.kms_command
            ),
            plugged_in=Path(self.folder) if self.folder else None,
            root_seconds=self.root_days * DAY,
            longest_ttl_seconds=int(self.longest_certificate_hours * HOUR),
            schedule=Schedule(self.rotate_root, self.rotate_root_after_days * DAY),
        )

    @property
    def is_external(self) -> bool:
        """Whether another server signs."""
        return self.vault is not None or self.kubernetes is not None

    def external(self, clock: Clock) -> Signer | None:
        """The server that signs, if one is named."""
        chosen = [name for name in ("folder", "vault", "kubernetes") if getattr(self, name)]
        if len(chosen) > 1:
            raise AuthorityError(f"{' and '.join(chosen)} are named; only one of them can sign")
        if self.vault is not None:
            return VaultSigner(self.vault, clock)
        return None if self.kubernetes is None else KubernetesSigner(self.kubernetes, clock)

    def relative_to(self, folder: Path) -> "AuthorityOptions":
        """With paths that hold from everywhere."""
        return _with_absolute_paths(self, folder)


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


def _with_absolute_paths(section: S, folder: Path) -> S:
    """Of this part and those in it: fields that name files."""
    changed: dict[str, object] = {}
    for name in section.__struct_fields__:
        value = getattr(section, name)
        if isinstance(value, Section):
            changed[name] = _with_absolute_paths(value, folder)
        elif (name == "folder" or name.endswith("_file")) and value:
            changed[name] = value if value.startswith("fd:") else str(folder / value)
    return msgspec.structs.replace(section, **changed)
