"""Trouble with the kernel's network configuration."""

from lateen.base.errors import LateenError


class NetlinkError(LateenError):
    """The kernel refused a netlink request; `number` is its errno."""

    def __init__(self, what: str, number: int, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.number = number
