"""The clock that is handed to whatever needs the time, so that tests can hold it still."""

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds since 1970, UTC."""

    def __call__(self) -> float: ...


system_clock: Clock = time.time
