"""What `lateen control` is told on its command line."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from lateen.ca.options import AuthorityOptions
from lateen.control.audit_output import AuditSettings
from lateen.control.authentication import AuthenticationOptions
from lateen.control.http import UnixAddress
from lateen.jwks.settings import KeySettings
from lateen.view.mesh import Settings
from lateen.xds.transport.listener import Address, parse_address

XDS_ADDRESS = "127.0.0.1:15010"
ADMIN_ADDRESS = "127.0.0.1:15014"


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """Addresses with port 0 take a free port; None: not served."""

    folders: tuple[Path, ...]
    state: Path
    xds_address: Address | None = field(default_factory=lambda: parse_address(XDS_ADDRESS))
    secure_xds_address: Address | None = None
    admin_address: Address | UnixAddress | None = field(
        default_factory=lambda: parse_address(ADMIN_ADDRESS)
    )
    admin_identities: tuple[str, ...] = ()  # NAMESPACE/ACCOUNT with `*`: who may from elsewhere
    server_names: tuple[str, ...] = ()  # further names and addresses in the server's certificate
    mesh: Settings = field(default_factory=Settings)
    authority: AuthorityOptions = field(default_factory=AuthorityOptions)
    authentication: AuthenticationOptions = field(default_factory=AuthenticationOptions)
    audit: AuditSettings = field(default_factory=AuditSettings)
    keys: KeySettings = field(default_factory=KeySettings)
    gateway_identities: tuple[str, ...] = ()  # NAMESPACE/ACCOUNT with `*`: gateways without a pod


def default_state() -> Path:
    """Where a control plane that is told nothing keeps its authority."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "lateen" / "control"
