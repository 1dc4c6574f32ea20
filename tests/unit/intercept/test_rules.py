"""The capture rules as data."""

from ipaddress import IPv4Network

from lateen.intercept.rules import Capture, Chain, Owner, chains


def lines(capture: Capture, name: str) -> list[str]:
    found: Chain = next(chain for chain in chains(capture) if chain.name == name)
    return [str(rule) for rule in found.rules]


def test_output_follows_istio_order() -> None:
    assert lines(Capture(name_servers=()), "istio_output") == [
        "oifname lo ip saddr 127.0.0.6/32 return",
        "oifname lo ip daddr != 127.0.0.1/32 meta l4proto tcp th dport != 15008 "
        "meta skuid 1337 redirect to :15006",
        "oifname lo meta skuid != 1337 return",
        "meta skuid 1337 return",
        "oifname lo ip daddr != 127.0.0.1/32 meta l4proto tcp th dport != 15008 "
        "meta skgid 1337 redirect to :15006",
        "oifname lo meta skgid != 1337 return",
        "meta skgid 1337 return",
        "ip daddr 127.0.0.1/32 return",
        "meta l4proto tcp redirect to :15001",
    ]


def test_name_lookups_are_redirected_before_loopback_is_left_alone() -> None:
    output = lines(Capture(), "istio_output")

    assert "oifname lo th dport != 53 meta skuid != 1337 return" in output
    lookup = output.index("meta l4proto udp th dport 53 redirect to :15053")
    assert lookup < output.index("ip daddr 127.0.0.1/32 return")


def test_mark_replaces_the_owner_where_all_share_a_user() -> None:
    output = lines(Capture(owner=Owner.MARK), "istio_output")

    assert "meta mark 1337 return" in output
    assert not any("skuid" in line or "skgid" in line for line in output)


def test_inbound_leaves_the_proxys_own_ports_alone() -> None:
    inbound = lines(Capture(), "istio_inbound")

    assert inbound[:4] == [
        f"meta l4proto tcp th dport {port} return" for port in (15008, 15020, 15021, 15090)
    ]
    assert inbound[4:] == ["meta l4proto tcp redirect to :15006"]


def test_listed_inbound_ports_are_the_only_ones_captured() -> None:
    inbound = lines(Capture(inbound_ports=(80,)), "istio_inbound")

    assert inbound[4:] == ["meta l4proto tcp th dport 80 redirect to :15006"]


def test_empty_list_of_inbound_ports_captures_none() -> None:
    assert len(lines(Capture(inbound_ports=()), "istio_inbound")) == 4


def test_excluded_range_comes_before_included_ones() -> None:
    capture = Capture(
        ranges=(IPv4Network("10.0.0.0/8"),), ranges_excluded=(IPv4Network("10.1.0.0/16"),)
    )

    assert lines(capture, "istio_output")[-2:] == [
        "ip daddr 10.1.0.0/16 return",
        "meta l4proto tcp ip daddr 10.0.0.0/8 redirect to :15001",
    ]


def test_only_lookups_at_the_named_resolver_are_taken() -> None:
    output = lines(Capture(name_servers=(IPv4Network("10.96.0.10/32"),)), "istio_output")

    assert [line for line in output if line.endswith("redirect to :15053")] == [
        "meta l4proto udp ip daddr 10.96.0.10/32 th dport 53 redirect to :15053",
        "meta l4proto tcp ip daddr 10.96.0.10/32 th dport 53 redirect to :15053",
    ]
