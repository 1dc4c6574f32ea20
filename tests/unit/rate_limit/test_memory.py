"""Counters in memory."""

from lateen.rate_limit.counters import Counter, Limit
from lateen.rate_limit.memory import MemoryStore

MINUTE = Limit("a", 3, "MINUTE")


class HandClock:
    def __init__(self) -> None:
        self.now = 1_000_000 * 60.0

    def __call__(self) -> float:
        return self.now


def taken(store: MemoryStore, key: str = "k", times: int = 1, limit: Limit = MINUTE) -> int:
    """How many of so many requests pass."""
    return sum(store.take([Counter(key, limit)])[0].allowed for _ in range(times))


def test_a_window_takes_as_many_as_its_limit_and_tells_what_is_left() -> None:
    clock = HandClock()
    store = MemoryStore(clock=clock)

    readings = [store.take([Counter("k", MINUTE)])[0] for _ in range(4)]

    assert [reading.allowed for reading in readings] == [True, True, True, False]
    assert [reading.remaining for reading in readings] == [2, 1, 0, 0]
    assert readings[0].reset_seconds == 60
    clock.now += 60
    assert taken(store, times=5) == 3


def test_values_have_counters_of_their_own() -> None:
    store = MemoryStore(clock=HandClock())

    assert taken(store, "ann", 5) == 3
    assert taken(store, "bob", 5) == 3


def test_a_sliding_window_does_not_take_twice_as_many_around_its_edge() -> None:
    clock = HandClock()
    store = MemoryStore(clock=clock, slides=True)
    limit = Limit("a", 10, "MINUTE")
    clock.now += 59
    assert taken(store, times=20, limit=limit) == 10

    clock.now += 1
    assert taken(store, times=20, limit=limit) == 0
    clock.now += 30
    assert taken(store, times=20, limit=limit) == 5


def test_what_one_counter_refuses_the_others_do_not_count() -> None:
    store = MemoryStore(clock=HandClock())
    small, large = Limit("s", 1, "MINUTE"), Limit("l", 10, "MINUTE")

    found = [store.take([Counter("s", small), Counter("l", large)]) for _ in range(5)]

    assert [both[0].allowed for both in found] == [True, False, False, False, False]
    assert store.take([Counter("l", large)])[0].remaining == 8


def test_a_shadow_counter_refuses_nothing_for_the_others() -> None:
    store = MemoryStore(clock=HandClock())
    shadow, large = Limit("s", 1, "MINUTE", shadow=True), Limit("l", 10, "MINUTE")

    found = [store.take([Counter("s", shadow), Counter("l", large)]) for _ in range(5)]

    assert [both[0].allowed for both in found] == [True, False, False, False, False]
    assert found[-1][1].remaining == 5


def test_hits_count_as_many_and_negative_ones_are_given_back() -> None:
    store = MemoryStore(clock=HandClock())
    limit = Limit("a", 10, "MINUTE")

    assert store.take([Counter("k", limit, 8)])[0].remaining == 2
    assert not store.take([Counter("k", limit, 3)])[0].allowed
    assert store.take([Counter("k", limit, -5)])[0].remaining == 7
    assert store.take([Counter("k", limit, -50)])[0].allowed
    assert store.take([Counter("k", limit, 1)])[0].remaining == 9


def test_memory_is_bounded_and_the_counter_asked_longest_ago_goes() -> None:
    store = MemoryStore(clock=HandClock(), most=2)
    taken(store, "old", 3)
    taken(store, "new", 3)
    taken(store, "old")
    taken(store, "other")

    assert len(store) == 2
    assert store.evicted == 1
    assert taken(store, "old") == 0
