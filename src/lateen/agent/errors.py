"""The agent's own trouble."""

from lateen.base.errors import LateenError


class AgentError(LateenError):
    """The agent's settings, its files or one of its sockets cannot be used."""
