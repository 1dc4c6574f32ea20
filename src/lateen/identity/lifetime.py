"""When a certificate is to be renewed: at half its life, a little spread.

Many workloads start in the same second; the spread keeps them from renewing in the same second.
"""

from dataclasses import dataclass
from random import Random

GRACE_RATIO = 0.5  # of the life that is left when renewal begins
JITTER = 0.01  # of the whole life, to either side


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A certificate's validity, in seconds since 1970."""

    not_before: float
    not_after: float

    def renewal(self, random: Random, *, jitter: float = JITTER) -> float:
        """The instant at which to renew."""
        life = self.not_after - self.not_before
        return self.not_after - life * (GRACE_RATIO + random.uniform(-jitter, jitter))

    def is_over(self, now: float) -> bool:
        return now >= self.not_after

    def left_ratio(self, now: float) -> float:
        return (self.not_after - now) / (self.not_after - self.not_before)
