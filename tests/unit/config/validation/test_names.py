"""Names and addresses."""

import pytest

from lateen.config.validation import names
from lateen.config.validation.report import Report


@pytest.mark.parametrize(
    ("name", "sound"),
    [
        ("a", True),
        ("a.b.", True),
        ("A-1.b", True),
        ("", False),
        ("-a", False),
        ("a..b", False),
        ("a_b", False),
        ("10.0.0.1", False),
        ("a" * 64, False),
        (".".join(["abc"] * 70), False),
    ],
)
def test_domain_names(name: str, sound: bool) -> None:
    assert names.is_fqdn(name) is sound


@pytest.mark.parametrize(
    ("name", "sound"),
    [
        ("*", True),
        ("*.a", True),
        ("*a.b", True),
        ("*-a.b", True),
        ("a", True),
        ("a*.b", False),
        ("a.*", False),
        ("*.*", False),
        ("-a.b", False),
        ("10.0.0.1", False),
    ],
)
def test_wildcards(name: str, sound: bool) -> None:
    assert (names.wildcard_domain_fault(name) == "") is sound


@pytest.mark.parametrize(
    ("pattern", "name", "covered"),
    [
        ("a.b", "a.b", True),
        ("*.b", "a.b", True),
        ("*.b", "*.a.b", True),
        ("*", "a", True),
        ("*.b", "b", False),
        ("a.b", "*.b", False),
    ],
)
def test_coverage(pattern: str, name: str, covered: bool) -> None:
    assert names.matches(pattern, name) is covered


@pytest.mark.parametrize(
    ("text", "sound"),
    [("10.0.0.1", True), ("10.1.2.3/8", True), ("2001:db8::/32", True), ("::1", True),
     ("10.0.0.1/33", False), ("fe80::1%eth0", False), ("10.0.0", False),
     ("10.0.0.0/255.0.0.0", False)],
)  # fmt: skip
def test_subnets(text: str, sound: bool) -> None:
    assert names.is_subnet(text) is sound


@pytest.mark.parametrize(
    ("key", "sound"),
    [("app", True), ("a.b/c_d", True), ("", False), ("/a", False), ("a/", False),
     ("a b", False), ("a" * 64, False)],
)  # fmt: skip
def test_label_keys(key: str, sound: bool) -> None:
    assert (names.label_key_fault(key) == "") is sound


def test_sni_names_of_subsets_are_hosts_of_gateways_with_tls() -> None:
    name = "outbound_.80_.v1_.a.b"
    assert names.gateway_host_fault(name, by_sni=True) == ""
    assert names.gateway_host_fault(name, by_sni=False)
    assert names.gateway_host_fault("outbound_.x_._.a.b", by_sni=True)


@pytest.mark.parametrize(
    ("targets", "count"),
    [((), 0), (("*",), 0), ((".", "a"), 0), (("*", "a"), 1), (("a", "a"), 1), ((".", "own"), 1),
     (("A!",), 1), (("~",), 1)],
)  # fmt: skip
def test_visibility(targets: tuple[str, ...], count: int) -> None:
    report = Report()
    names.export_to(report, "x", targets, "own", none_allowed=False)
    assert len(report.problems) == count
