"""The audit trail's own trouble."""

from lateen.base.errors import LateenError


class AuditError(LateenError):
    """A trail cannot be written or read."""
