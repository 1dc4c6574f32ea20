"""Renewal at half life."""

from random import Random

from lateen.identity.lifetime import Lifetime


def test_renewal_is_at_half_life_give_or_take_a_hundredth() -> None:
    life = Lifetime(1000, 2000)
    times = [life.renewal(Random(seed)) for seed in range(200)]
    assert 1490 <= min(times) < 1495
    assert 1505 < max(times) <= 1510
