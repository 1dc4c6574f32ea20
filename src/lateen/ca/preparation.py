"""What agents need before the control plane runs: roots to check it with, and so a first root."""

from pathlib import Path

from lateen.base.clock import Clock
from lateen.base.private_files import private_folder, write_private
from lateen.ca import control_plane_root, plugged_in
from lateen.ca.certificate_authority import BUNDLE
from lateen.ca.own_roots import OwnRoots
from lateen.ca.settings import AuthoritySettings


def prepare(folder: Path, settings: AuthoritySettings, *, is_external: bool, clock: Clock) -> Path:
    """The file of these roots; the control plane keeps it up to date from its start on.

    Where a server elsewhere signs for workloads, they are those of the control plane alone.
    """
    bundle = private_folder(folder) / BUNDLE
    if not bundle.exists():
        roots = (
            control_plane_root.authority(folder, settings, now=clock()).root_bundle
            if is_external
            else _roots(folder, settings, clock())
        )
        write_private(bundle, roots.encode())
    return bundle


def _roots(folder: Path, settings: AuthoritySettings, now: float) -> str:
    elsewhere = settings.plugged_in or folder
    if plugged_in.is_present(elsewhere):
        found = plugged_in.load(elsewhere, now=now, protection=settings.protection)
        return found.authority.root_bundle
    own = OwnRoots(
        folder,
        trust_domain=settings.trust_domain,
        protection=settings.protection,
        root_seconds=settings.root_seconds,
    )
    return "".join(root.certificate for root in own.load_or_create(now=now).roots)
