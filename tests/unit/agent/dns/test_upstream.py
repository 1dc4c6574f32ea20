"""Asking the host's resolvers."""

import asyncio
from random import Random
from typing import cast

import pytest
from dnslib import RR, DNSRecord

from lateen.agent.address import Address
from lateen.agent.dns.server import DnsServer, Resolver
from lateen.agent.dns.table import Answer, ResolverTable
from lateen.agent.dns.upstream import Upstream, answers
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


class Spoofing(asyncio.DatagramProtocol):
    """Answers each question wrongly in every way, then rightly."""

    def __init__(self) -> None:
        self.ids: list[int] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        question = DNSRecord.parse(data)
        self.ids.append(question.header.id)
        for name, address, id_ in (
            ("a.example", "6.6.6.1", (question.header.id + 1) % 65536),
            ("b.example", "6.6.6.2", question.header.id),
            ("a.example", "10.0.0.9", question.header.id),
        ):
            reply = DNSRecord.question(name).reply()
            reply.header.id = id_
            reply.add_answer(*RR.fromZone(f"{name} A {address}"))
            self.transport.sendto(reply.pack(), addr)


def test_only_an_answer_to_the_question_counts_and_ids_are_not_the_programs() -> None:
    async def scenario() -> tuple[list[bytes | None], list[int]]:
        loop = asyncio.get_running_loop()
        transport, server = await loop.create_datagram_endpoint(
            Spoofing, local_addr=("127.0.0.1", 0)
        )
        where = transport.get_extra_info("sockname")
        upstream = Upstream([where], timeout_seconds=2)
        question = DNSRecord.question("A.example")
        question.header.id = 1
        found = [await upstream.ask(question.pack(), over_tcp=False) for _ in range(8)]
        transport.close()
        return found, server.ids

    found, ids = asyncio.run(scenario())
    records = [DNSRecord.parse(answer) for answer in found if answer]
    assert [record.short() for record in records] == ["10.0.0.9"] * 8
    assert {record.header.id for record in records} == {1}
    assert len(set(ids)) > 4


@pytest.mark.parametrize(
    ("changed", "holds"),
    [
        ({}, True),
        ({2: 0x01}, False),  # a question, no response
        ({5: 2}, False),  # two questions
        ({5: 0}, False),  # none, and no failure
        ({5: 0, 3: 0x82}, True),  # none, and a failure
        ({0: 9}, False),
        ({14: 0x7A}, False),
    ],
)
def test_what_answers_a_question(changed: dict[int, int], holds: bool) -> None:
    question = DNSRecord.question("a.example").pack()
    answer = bytearray(DNSRecord.parse(question).reply().pack())
    for place, value in changed.items():
        answer[place] = value
    assert answers(bytes(answer), question) is holds
    assert not answers(bytes(answer[:11]), question)
