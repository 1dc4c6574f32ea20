"""When a certificate is to be renewed: at half its life, a little spread.

Many workloads start in the same second; the spread keeps them from renewing in the same second.
"""

from dataclasses import dataclass
from random import Random

GRACE_RATIO = 0.5  # of the life that is left when renewal begins
JITTER = 0.01  # of the whole life, to either side


@dataclass(frozen=True, slots=True)
class Lifetime:
    """From the moment a certificate was received (its own begin is set back) to its end, in
    seconds since 1970."""

    begins: float
    ends: float

    def renewal(self, random: Random, *, jitter: float = JITTER) -> float:
        """The instant at which to renew."""
        life = self.ends - self.begins
        return self.ends - life * (GRACE_RATIO + random.uniform(-jitter, jitter))
