"""What can keep the service from starting or answering."""

from lateen.base.errors import LateenError


class ConfigError(LateenError):
    """The configuration is not what the reference server would take."""


class StoreUnavailable(LateenError):
    """Redis did not answer in time, or not as it should."""
