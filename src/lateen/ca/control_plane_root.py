"""The root of the control plane's own certificate, where a server elsewhere signs for workloads.

Agents check the control plane with it; workloads do not check each other with it.
"""

from pathlib import Path

from lateen.ca.authority import Authority
from lateen.ca.own_roots import OwnRoots
from lateen.ca.settings import AuthoritySettings

FOLDER = "control-plane"  # below the authority's


def authority(folder: Path, settings: AuthoritySettings, *, now: float) -> Authority:
    """Made at first use."""
    own = OwnRoots(
        folder / FOLDER, trust_domain=settings.trust_domain, protection=settings.protection
    )
    state = own.load_or_create(now=now)
    signing = state.find(state.signing)
    assert signing is not None, "load_or_create leaves one that signs"
    return own.authority(signing)
