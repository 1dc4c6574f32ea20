"""Which listener and filter chain a connection meets."""

from typing import Any

from lateen.simulate.call import Application, Call, Direction, Failure, Security
from lateen.simulate.listener import find_filter_chain, find_listener, requires_mesh_certificate
from tests.unit.simulate import worlds
from tests.unit.simulate.worlds import http_chain, inspectors, listener, tcp_chain

TCP = Application.TCP


def chain_name(made: Any, call: Call) -> str | Failure:
    found = find_filter_chain(made, call)
    return found if isinstance(found, Failure) else str(found.name)


def test_a_bound_address_comes_before_the_wildcard_and_the_captured_rest() -> None:
    own = listener("10.0.0.1_80", 80, tcp_chain("own"))
    any_address = listener("0.0.0.0_80", 80, tcp_chain("any"))
    virtual = listener("virtualOutbound", 15001, tcp_chain("rest"))
    held = [virtual, any_address, own]

    assert find_listener(held, Call(port=80, address="10.0.0.1")) is own
    assert find_listener(held, Call(port=80, address="10.0.0.2")) is any_address
    assert find_listener(held, Call(port=81, address="10.0.0.1")) is virtual
    assert find_listener([own], Call(port=81, address="10.0.0.1")) is None


def test_calls_from_others_meet_the_inbound_listener() -> None:
    inbound = listener("virtualInbound", 15006, tcp_chain("in"))
    outbound = listener("0.0.0.0_80", 80, tcp_chain("out"))
    call = Call(port=80, direction=Direction.INBOUND)

    assert find_listener([outbound, inbound], call) is inbound


def test_the_longest_prefix_wins() -> None:
    def within(length: int) -> list[dict[str, Any]]:
        return [{"address_prefix": "10.0.0.0", "prefix_len": length}]

    made = listener(
        "x_1", 1, tcp_chain("wide", prefix_ranges=within(8)),
        tcp_chain("narrow", prefix_ranges=within(24)), tcp_chain("any"),
    )  # fmt: skip

    assert chain_name(made, Call(port=1, address="10.0.0.9", application=TCP)) == "narrow"
    assert chain_name(made, Call(port=1, address="10.9.0.9", application=TCP)) == "wide"
    assert chain_name(made, Call(port=1, address="11.0.0.1", application=TCP)) == "any"


def test_an_exact_server_name_beats_wildcards_and_longer_wildcards_beat_shorter() -> None:
    made = listener(
        "x_1", 1, tcp_chain("exact", server_names=["a.b.example.com"]),
        tcp_chain("long", server_names=["*.b.example.com"]),
        tcp_chain("short", server_names=["*.example.com"]), **inspectors(),
    )  # fmt: skip

    def reached(host: str) -> str | Failure:
        call = Call(port=1, application=TCP, security=Security.TLS, host=host)
        return chain_name(made, call)

    assert reached("a.b.example.com") == "exact"
    assert reached("x.b.example.com") == "long"
    assert reached("x.example.com") == "short"
    assert reached("example.com") is Failure.NO_FILTER_CHAIN


def test_a_chain_left_behind_is_not_come_back_to() -> None:
    made = listener(
        "x_1", 1, tcp_chain("raw-http", transport_protocol="raw_buffer",
                            application_protocols=["http/1.1"]),
        tcp_chain("any"), **inspectors(),
    )  # fmt: skip

    assert chain_name(made, Call(port=1, application=TCP)) is Failure.NO_FILTER_CHAIN


def test_no_chain_means_the_default_one() -> None:
    default = tcp_chain("default")
    made = listener("x_1", 1, tcp_chain("x", destination_port=2), default_filter_chain=default)

    assert chain_name(made, Call(port=1, application=TCP)) == "default"


def test_two_chains_that_match_alike_are_told() -> None:
    made = listener("x_1", 1, tcp_chain("a"), tcp_chain("b"))

    assert chain_name(made, Call(port=1, application=TCP)) is Failure.AMBIGUOUS_FILTER_CHAIN


def test_without_inspector_nobody_knows_tls_or_http() -> None:
    chains = (
        tcp_chain("tls", transport_protocol="tls"),
        tcp_chain("raw", transport_protocol="raw_buffer"),
    )
    blind = listener("x_1", 1, *chains)
    partly = listener("x_1", 1, *chains, **inspectors(disabled_from=1, disabled_to=2))
    seeing = listener("x_1", 1, *chains, **inspectors())
    call = Call(port=1, application=TCP, security=Security.TLS)

    assert chain_name(blind, call) == "raw"
    assert chain_name(partly, call) == "raw"
    assert chain_name(seeing, call) == "tls"


def test_plaintext_http_is_recognised_by_the_inspector() -> None:
    made = listener(
        "x_1", 1, http_chain(application_protocols=["http/1.1", "h2c"]), tcp_chain("tcp"),
        **inspectors(),
    )  # fmt: skip

    assert chain_name(made, Call(port=1)) == "http"
    assert chain_name(made, Call(port=1, application=Application.HTTP2)) == "http"
    assert chain_name(made, Call(port=1, application=TCP)) == "tcp"


def test_only_our_own_certificate_with_clients_checked_is_of_the_mesh() -> None:
    made = listener(
        "x_1", 1, worlds.with_tls(tcp_chain("mesh"), mutual=True),
        worlds.with_tls(tcp_chain("web"), mutual=False), tcp_chain("plain"),
    )  # fmt: skip

    found = {chain.name: requires_mesh_certificate(chain) for chain in made.filter_chains}

    assert found == {"mesh": True, "web": False, "plain": False}
