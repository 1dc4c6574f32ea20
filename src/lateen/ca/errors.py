"""The certificate authority's own trouble."""

from lateen.base.errors import LateenError


class AuthorityError(LateenError):
    """The authority's files are missing, do not belong together or cannot be read."""
