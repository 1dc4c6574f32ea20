"""The agent's own trouble."""

from lateen.base.errors import LateenError


class AgentError(LateenError):
    """The agent's settings, its files or one of its sockets cannot be used."""


class NotAccepted(AgentError):
    """The control plane is there and does not believe the proof it was given."""
