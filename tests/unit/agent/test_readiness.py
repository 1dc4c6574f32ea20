"""What readiness waits for."""

import pytest

from lateen.agent.envoy_admin import EnvoyState
from lateen.agent.readiness import missing_of

READY = EnvoyState(is_live=True, workers_started=True, cluster_updates=1, listener_updates=1)


def test_a_configured_and_working_envoy_is_ready() -> None:
    assert missing_of(READY) == ""


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (EnvoyState(True, True, 0, 1), "control plane"),
        (EnvoyState(True, True, 1, 0), "control plane"),
        (EnvoyState(False, True, 1, 1), "live"),
        (EnvoyState(True, False, 1, 1), "workers"),
    ],
)
def test_what_is_missing_is_named(state: EnvoyState, word: str) -> None:
    assert word in missing_of(state)
