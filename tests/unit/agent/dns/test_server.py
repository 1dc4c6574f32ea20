"""DNS from question to answer, over both transports."""

import asyncio
import struct
from random import Random

import pytest
from dnslib import EDNS0, QTYPE, RCODE, DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from lateen.agent.address import Address
from lateen.agent.dns.server import MOST_CONNECTIONS, DnsServer, Resolver
from lateen.agent.dns.table import Answer, ResolverTable
from lateen.agent.dns.upstream import Upstream
from lateen.agent.metrics import AgentMetrics

TABLE = ResolverTable(
    {
        "web": Answer(("10.0.0.1",)),
        "both": Answer(("10.0.0.1",), ("fd00::1",)),
        "many": Answer(tuple(f"10.0.{high}.{low}" for high in range(4) for low in range(250))),
        "some": Answer(tuple(f"10.0.0.{low}" for low in range(60))),
    },
    ("shop.svc",),
)


def resolver(table: ResolverTable | None = TABLE) -> Resolver:
    made = Resolver(Upstream([], timeout_seconds=1), metrics=AgentMetrics(), random=Random(1))
    made.table = table
    return made


def ask(
    name: str, kind: str = "A", *, table: ResolverTable | None = TABLE, over_tcp: bool = False,
    edns_size: int = 0,
) -> DNSRecord:  # fmt: skip
    question = DNSRecord.question(name, kind)
    if edns_size:
        question.add_ar(EDNS0(udp_len=edns_size))
    answer = asyncio.run(resolver(table).answer(question.pack(), over_tcp=over_tcp))
    assert answer is not None
    record = DNSRecord.parse(answer)
    assert record.header.id == question.header.id
    return record


def test_a_known_name_is_answered_with_authority_for_thirty_seconds() -> None:
    record = ask("web")
    assert record.short() == "10.0.0.1"
    assert record.header.aa == 1
    assert record.rr[0].ttl == 30


def test_each_family_is_answered_by_its_kind() -> None:
    assert ask("both", "AAAA").short() == "fd00::1"
    assert ask("both", "A").short() == "10.0.0.1"


def test_a_known_name_without_the_family_is_empty_and_no_failure() -> None:
    record = ask("web", "AAAA")
    assert record.header.rcode == RCODE.NOERROR
    assert not record.rr


def test_an_alias_is_told() -> None:
    record = ask("web.shop.svc")
    assert [QTYPE[answer.rtype] for answer in record.rr] == ["CNAME", "A"]


@pytest.mark.parametrize(("name", "kind"), [("unknown.example", "A"), ("web", "TXT")])
def test_without_upstream_other_questions_fail(name: str, kind: str) -> None:
    assert ask(name, kind).header.rcode == RCODE.SERVFAIL


def test_before_the_first_table_every_question_fails() -> None:
    assert ask("web", table=None).header.rcode == RCODE.SERVFAIL


def test_an_answer_too_large_for_udp_sends_the_asker_to_tcp() -> None:
    record = ask("many")
    assert record.header.tc == 1
    assert not record.rr
    assert len(ask("many", over_tcp=True).rr) == 1000


def test_a_larger_buffer_is_used() -> None:
    assert ask("some").header.tc == 1
    assert len(ask("some", edns_size=4096).rr) == 60


def test_answers_come_in_changing_order() -> None:
    made = resolver()
    question = DNSRecord.question("some").pack()
    answers = [asyncio.run(made.answer(question, over_tcp=True)) for _ in range(3)]
    assert len(set(answers)) > 1


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(message: bytes) -> None:
    asyncio.run(resolver().answer(message, over_tcp=False))


@given(st.data())
def test_a_damaged_question_is_survived(data: st.DataObject) -> None:
    question = bytearray(DNSRecord.question("web.shop.svc").pack())
    for _ in range(data.draw(st.integers(1, 4))):
        question[data.draw(st.integers(0, len(question) - 1))] = data.draw(st.integers(0, 255))
    asyncio.run(resolver().answer(bytes(question), over_tcp=False))


def test_a_response_is_not_answered() -> None:
    reply = DNSRecord.question("web").reply().pack()
    assert asyncio.run(resolver().answer(reply, over_tcp=False)) is None


def test_both_transports_answer_on_one_port() -> None:
    async def scenario() -> list[str]:
        server = DnsServer(resolver(), Address("127.0.0.1", 0))
        where = await server.start()
        question = DNSRecord.question("web").pack()
        upstream = Upstream([(where.host, where.port)], timeout_seconds=5)
        try:
            answers = [await upstream.ask(question, over_tcp=tcp) for tcp in (False, True)]
        finally:
            await server.close()
        return [DNSRecord.parse(answer).short() for answer in answers if answer]

    assert asyncio.run(scenario()) == ["10.0.0.1", "10.0.0.1"]


def test_a_stream_that_ends_amid_a_question_is_closed() -> None:
    async def scenario() -> bytes:
        server = DnsServer(resolver(), Address("127.0.0.1", 0))
        where = await server.start()
        try:
            reader, writer = await asyncio.open_connection(where.host, where.port)
            writer.write(struct.pack("!H", 100) + b"short")
            writer.write_eof()
            return await asyncio.wait_for(reader.read(), 5)
        finally:
            await server.close()

    assert asyncio.run(scenario()) == b""


def test_connections_beyond_the_limit_are_closed_unheard_and_later_ones_served() -> None:
    async def scenario() -> tuple[int, str]:
        server = DnsServer(resolver(), Address("127.0.0.1", 0))
        where = await server.start()
        opened = [
            await asyncio.open_connection(where.host, where.port)
            for _ in range(MOST_CONNECTIONS + 9)
        ]
        refused = 0
        async with asyncio.timeout(5):
            while refused < 9:
                refused = sum(reader.at_eof() for reader, _ in opened)
                await asyncio.sleep(0)
        for _, writer in opened:
            writer.close()
        question = DNSRecord.question("web").pack()
        answer = b""
        async with asyncio.timeout(5):
            while not answer:
                reader, writer = await asyncio.open_connection(where.host, where.port)
                writer.write(struct.pack("!H", len(question)) + question)
                answer = (await reader.read(4096))[2:]
                writer.close()
        await server.close()
        return refused, str(DNSRecord.parse(answer).short())

    assert asyncio.run(scenario()) == (9, "10.0.0.1")
