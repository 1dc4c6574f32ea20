"""What containers keep of root's powers."""

import pytest

from lateen.api.kubernetes.pod import SecurityContext
from lateen.local.capabilities import ALL, DEFAULT, NUMBERS, kept

ADMIN = NUMBERS["NET_ADMIN"]


def test_by_default_network_and_system_administration_are_given_up() -> None:
    given_up = {NUMBERS[name] for name in ("NET_ADMIN", "SYS_ADMIN", "SYS_PTRACE", "MKNOD")}
    assert kept(None) == kept(SecurityContext()) == DEFAULT
    assert not given_up & DEFAULT
    assert NUMBERS["NET_BIND_SERVICE"] in DEFAULT


def test_numbers_are_those_of_the_kernel() -> None:
    wanted = {"CHOWN": 0, "NET_ADMIN": 12, "SYS_ADMIN": 21, "MKNOD": 27, "CHECKPOINT_RESTORE": 40}
    assert {name: NUMBERS[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"drop": ["ALL"]}, frozenset()),
        ({"drop": ["ALL"], "add": ["NET_ADMIN"]}, frozenset({ADMIN})),
        ({"add": ["CAP_NET_ADMIN"]}, DEFAULT | {ADMIN}),
        ({"drop": ["net_raw"]}, DEFAULT - {NUMBERS["NET_RAW"]}),
        ({"add": ["ALL"]}, ALL),
    ],
)
def test_what_is_dropped_goes_and_what_is_added_comes(
    written: dict[str, list[str]], expected: frozenset[int]
) -> None:
    assert kept(SecurityContext(capabilities=written)) == expected


def test_privileged_containers_keep_everything() -> None:
    assert kept(SecurityContext(privileged=True)) == ALL


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="NET_ADMNI is no capability"):
        kept(SecurityContext(capabilities={"add": ["NET_ADMNI"]}))
