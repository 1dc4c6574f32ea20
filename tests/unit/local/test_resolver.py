"""Names outside the mesh."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from dnslib import RCODE, DNSRecord

from lateen.local.host import DirectHost
from lateen.local.resolver import Resolver, host_resolvers


def looked_up(
    name: str, servers: Sequence[str], *, aliases: Mapping[str, str] = {}, address: str = ""
) -> DNSRecord:
    async def names(asked: str) -> tuple[str, ...] | None:
        return (address,) if address and asked.startswith("real.") else None

    async def scenario() -> DNSRecord:
        resolver = Resolver(
            DirectHost(),
            servers,
            domain="cluster.local",
            names=names,
            aliases=lambda name: aliases.get(name, ""),
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        await resolver.listen("127.0.0.1", (port,))
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as asking:
            await loop.sock_connect(asking, ("127.0.0.1", port))
            await loop.sock_sendall(asking, DNSRecord.question(name).pack())
            async with asyncio.timeout(10):
                answer = await loop.sock_recv(asking, 4096)
        await resolver.close()
        return DNSRecord.parse(answer)

    return asyncio.run(scenario())


def test_own_domain_is_never_asked_for_outside() -> None:
    assert looked_up("Back.shop.svc.Cluster.Local", ()).header.rcode == RCODE.NXDOMAIN


def test_an_external_name_is_an_alias_of_what_it_stands_for() -> None:
    aliases = {"old.shop.svc.cluster.local": "real.shop.svc.cluster.local"}

    answer = looked_up("old.shop.svc.cluster.local", (), aliases=aliases, address="10.0.0.7")

    assert [str(record.rdata) for record in answer.rr] == [
        "real.shop.svc.cluster.local.",
        "10.0.0.7",
    ]


def test_aliases_in_a_circle_come_to_an_end() -> None:
    aliases = {
        "a.svc.cluster.local": "b.svc.cluster.local",
        "b.svc.cluster.local": "a.svc.cluster.local",
    }

    assert len(looked_up("a.svc.cluster.local", (), aliases=aliases).rr) < 20


def test_without_a_server_the_lookup_fails_at_once() -> None:
    answer = looked_up("example.com", ())

    assert answer.header.rcode == RCODE.SERVFAIL
    assert str(answer.q.qname) == "example.com."


def test_resolvers_of_the_host_are_read(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("# c\nnameserver 9.9.9.9\nnameserver ::1\nsearch x\nnameserver 1.1.1.1\n")

    assert host_resolvers(path) == ("9.9.9.9", "1.1.1.1")
