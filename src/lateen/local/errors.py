"""Trouble with running a mesh on this machine."""

from lateen.base.errors import LateenError


class LocalError(LateenError):
    """The machine, its kernel or its user's rights do not allow what was asked for."""
