"""Blocks of addresses, and what is left of them when others are refused."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network

from lateen.network_policy.peers import Block


def as_cidr(text: str) -> str:
    """Of an address, the block that holds it alone; of a block, the same without host bits."""
    return str(ip_network(text, strict=False))


def excepting(blocks: Iterable[Block], refused: Iterable[str]) -> frozenset[Block]:
    """The blocks without the refused ones; a block that is refused as a whole is gone."""
    unwanted = [ip_network(text, strict=False) for text in refused]
    left = set()
    for block in blocks:
        whole = ip_network(block.cidr)
        if any(_is_within(whole, other) for other in unwanted):
            continue
        smaller = {str(other) for other in unwanted if _is_within(other, whole)}
        left.add(Block(block.cidr, tuple(sorted({*block.excluded, *smaller}))))
    return frozenset(left)


def _is_within(part: IPv4Network | IPv6Network, whole: IPv4Network | IPv6Network) -> bool:
    if isinstance(part, IPv4Network):
        return isinstance(whole, IPv4Network) and part.subnet_of(whole)
    return isinstance(whole, IPv6Network) and part.subnet_of(whole)
