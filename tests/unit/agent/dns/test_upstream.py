"""Asking the host's resolvers."""

import asyncio
from random import Random

from dnslib import DNSRecord

from lateen.agent.address import Address
from lateen.agent.dns.server import DnsServer, Resolver
from lateen.agent.dns.table import Answer, ResolverTable
from lateen.agent.dns.upstream import Upstream
from lateen.agent.metrics import AgentMetrics


def asked(*, over_tcp: bool) -> str | None:
    """A resolver that is away, then one that answers."""

    async def scenario() -> bytes | None:
        other = Resolver(Upstream([], timeout_seconds=1), metrics=AgentMetrics(), random=Random(1))
        other.table = ResolverTable({"a.example": Answer(("10.0.0.9",))}, ())
        server = DnsServer(other, Address("127.0.0.1", 0))
        where = await server.start()
        upstream = Upstream([("127.0.0.1", 1), (where.host, where.port)], timeout_seconds=2)
        try:
            return await upstream.ask(DNSRecord.question("a.example").pack(), over_tcp=over_tcp)
        finally:
            await server.close()

    answer = asyncio.run(scenario())
    return DNSRecord.parse(answer).short() if answer else None


def test_the_next_resolver_answers_where_one_is_away() -> None:
    assert asked(over_tcp=False) == "10.0.0.9"
    assert asked(over_tcp=True) == "10.0.0.9"


def test_without_any_resolver_there_is_no_answer() -> None:
    question = DNSRecord.question("a.example").pack()
    assert asyncio.run(Upstream([], timeout_seconds=1).ask(question, over_tcp=False)) is None
