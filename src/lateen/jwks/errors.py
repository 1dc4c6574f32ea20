"""What can go wrong on the way to keys."""

from lateen.base.errors import LateenError


class KeyFetchError(LateenError):
    """The keys could not be had; the text says why, without the answer's content."""


class SettingError(LateenError):
    """A setting of key fetching makes no sense."""
