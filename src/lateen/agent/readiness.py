"""Whether traffic may come: Envoy configured and serving, names known, and not on the way out."""

from collections.abc import Callable

from lateen.agent.envoy_admin import EnvoyAdmin, EnvoyState
from lateen.agent.errors import AgentError


class Readiness:
    """Answers each time anew. The answer is what is missing; an empty one means ready."""

    def __init__(self, admin: EnvoyAdmin, *, has_names: Callable[[], bool]) -> None:
        self._admin = admin
        self._has_names = has_names
        self._is_terminating = False

    def terminate(self) -> None:
        """Not ready from now on."""
        self._is_terminating = True

    @property
    def accepts(self) -> bool:
        """False once the agent is on its way out."""
        return not self._is_terminating

    async def missing(self) -> str:
        if self._is_terminating:
            return "terminating"
        try:
            state = await self._admin.state()
        except AgentError as trouble:
            return str(trouble)
        return missing_of(state) or ("" if self._has_names() else "no DNS name table received yet")


def missing_of(state: EnvoyState) -> str:
    if not state.cluster_updates or not state.listener_updates:
        return (
            "config not fully received from the control plane: "
            f"cluster updates: {state.cluster_updates}, listener updates: {state.listener_updates}"
        )
    if not state.is_live:
        return "Envoy is not live"
    return "" if state.workers_started else "Envoy's workers have not started"
