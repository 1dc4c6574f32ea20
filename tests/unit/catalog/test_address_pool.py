"""Addresses for services that come without."""

from lateen.catalog.address_pool import auto_allocated, fnv1a, of_network


def test_hash_is_fnv_1a() -> None:
    assert fnv1a("") == 2166136261
    assert fnv1a("a") == 0xE40C292C
    assert fnv1a("foobar") == 0xBF9CF968


def test_name_keeps_its_address() -> None:
    pool = auto_allocated()

    assert pool.take("default/a.com") == pool.take("default/a.com")
    assert pool.take("default/a.com") == auto_allocated().take("default/a.com")


def test_no_address_is_given_twice() -> None:
    pool = of_network("198.19.0.0/24")
    given = [pool.take(f"name-{i}") for i in range(254)]

    assert len(set(given)) == 254
    assert "198.19.0.0" not in given
    assert "198.19.0.255" not in given


def test_exhausted_pool_gives_nothing() -> None:
    pool = of_network("198.19.0.0/30")

    assert [bool(pool.take(name)) for name in ("a", "b", "c")] == [True, True, False]


def test_released_address_is_given_again() -> None:
    pool = of_network("198.19.0.0/30")
    first = pool.take("a")
    pool.take("b")
    pool.release("a")

    assert pool.take("c") == first


def test_automatic_addresses_never_end_in_0_or_255() -> None:
    pool = auto_allocated()
    ends = {pool.take(f"ns/host-{i}").rpartition(".")[2] for i in range(5000)}

    assert not ends & {"0", "255"}


def test_step_leaves_room_between_addresses() -> None:
    pool = of_network("127.64.0.0/10", 256)
    given = {pool.take(f"name-{i}") for i in range(100)}

    assert len(given) == 100
    assert all(address.endswith(".0") for address in given)
