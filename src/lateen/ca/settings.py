"""What the control plane is told about its authority."""

from dataclasses import dataclass, field
from pathlib import Path

from lateen.ca.key_protection import KeyProtection, Plain
from lateen.ca.own_roots import ROOT_SECONDS
from lateen.ca.request_policy import LONGEST_TTL_SECONDS
from lateen.ca.rotation import Schedule


@dataclass(frozen=True, slots=True)
class AuthoritySettings:
    """Whose it is, where its keys come from, and how long what it signs may live."""

    trust_domain: str
    protection: KeyProtection = field(default_factory=Plain)
    plugged_in: Path | None = None  # default: the authority's own folder
    root_seconds: float = ROOT_SECONDS
    schedule: Schedule = field(default_factory=Schedule)
    longest_ttl_seconds: int = LONGEST_TTL_SECONDS
