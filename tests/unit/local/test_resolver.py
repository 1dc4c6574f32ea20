"""Names outside the mesh."""

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path

from dnslib import RCODE, DNSRecord

from lateen.local.host import DirectHost
from lateen.local.resolver import Resolver, host_resolvers


def looked_up(name: str, servers: Sequence[str]) -> DNSRecord:
    async def scenario() -> DNSRecord:
        resolver = Resolver(DirectHost(), servers, domain="cluster.local")
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


def test_without_a_server_the_lookup_fails_at_once() -> None:
    answer = looked_up("example.com", ())

    assert answer.header.rcode == RCODE.SERVFAIL
    assert str(answer.q.qname) == "example.com."


def test_resolvers_of_the_host_are_read(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("# c\nnameserver 9.9.9.9\nnameserver ::1\nsearch x\nnameserver 1.1.1.1\n")

    assert host_resolvers(path) == ("9.9.9.9", "1.1.1.1")
