"""Which Host headers mean a service."""

import pytest

from lateen.catalog.service import Registry, Resolution, Service
from lateen.translate.routes.domains import (
    Domains,
    bare_and_with_port,
    service_domains,
    short_forms,
    unclaimed,
    with_port,
)

PROXY = "shop.svc.cluster.local"


def service(hostname: str, resolution: Resolution = Resolution.CLIENT_SIDE) -> Service:
    name, _, namespace = hostname.partition(".")
    return Service(hostname, namespace.partition(".")[0], name, Registry.KUBERNETES, resolution)


@pytest.mark.parametrize(
    ("hostname", "proxy", "forms"),
    [
        ("a.shop.svc.cluster.local", PROXY, ("a", "a.shop.svc", "a.shop")),
        ("a.other.svc.cluster.local", PROXY, ("a.other", "a.other.svc")),
        ("a.shop.svc.other.domain", PROXY, ()),
        ("example.com", PROXY, ()),
        ("a.shop.svc.cluster.local", "", ()),
    ],
)
def test_short_forms_are_what_the_search_list_completes(
    hostname: str, proxy: str, forms: tuple[str, ...]
) -> None:
    assert short_forms(hostname, proxy) == forms


def test_service_answers_to_its_names_aliases_and_addresses() -> None:
    made = service_domains(
        service("a.other.svc.cluster.local"),
        dns_domain=PROXY,
        addresses=("10.0.0.1", "2001:db8::1", "10.1.0.0/16"),
        aliases=("old.example.com",),
    )

    assert made.names == (
        "a.other.svc.cluster.local", "a.other.svc.cluster.local.", "a.other", "a.other.svc",
        "old.example.com", "old.example.com.", "10.0.0.1", "[2001:db8::1]",
    )  # fmt: skip


def test_headless_service_answers_for_its_pods() -> None:
    made = service_domains(
        service("db.other.svc.cluster.local", Resolution.PASSTHROUGH), dns_domain=PROXY
    )

    assert "*.db.other.svc.cluster.local" in made.names
    assert "*.db.other" in made.names


def test_first_claim_to_a_domain_holds_whatever_its_case() -> None:
    claimed: set[str] = set()

    assert unclaimed(Domains(("A", "b")), claimed, frozenset()) == ("A", "b")
    assert unclaimed(Domains(("a", "c")), claimed, frozenset()) == ("c",)


def test_short_form_that_is_another_services_name_is_left_to_it() -> None:
    domains = Domains(("a.b.svc.cluster.local", "a.b"), frozenset(("a.b",)))

    assert unclaimed(domains, set(), frozenset(("a.b",))) == ("a.b.svc.cluster.local",)
    assert unclaimed(Domains(("a.b",)), set(), frozenset(("a.b",))) == ("a.b",)


def test_ports_are_added_to_every_domain() -> None:
    assert with_port(("a", "b"), 8080) == ("a:8080", "b:8080")
    assert bare_and_with_port(("a",), 80) == ("a", "a:80")
