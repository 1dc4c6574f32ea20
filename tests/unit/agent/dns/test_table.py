"""Which names are known, and by which forms."""

import pytest

from lateen.agent.dns.table import Answer, ResolverTable, build
from lateen.base.name_table import NameTable


def table(namespace: str = "shop") -> ResolverTable:
    message = NameTable()
    for short, space, ip in (("web", "shop", "10.0.0.1"), ("web", "other", "10.0.0.2")):
        entry = message.table[f"{short}.{space}.svc.cluster.local"]
        entry.ips.append(ip)
        entry.registry, entry.shortname, entry.namespace = "Kubernetes", short, space
    both = message.table["API.example.com"]
    both.ips.extend(["10.0.0.3", "fd00::3"])
    both.registry = "External"
    message.table["*.wild.example.com"].ips.append("10.0.0.4")
    message.table["*.deep.wild.example.com"].ips.append("10.0.0.5")
    message.table["no-address.example.com"].ips.append("other.example.com")
    return build(
        message.SerializeToString(), namespace=namespace, search=("shop.svc.cluster.local", "x")
    )


def address(name: str, namespace: str = "shop") -> str | None:
    found = table(namespace).find(name)
    return found.v4[0] if found else None


@pytest.mark.parametrize(
    ("name", "ip"),
    [
        ("web.shop.svc.cluster.local", "10.0.0.1"),
        ("web.shop.svc", "10.0.0.1"),
        ("web.shop", "10.0.0.1"),
        ("web", "10.0.0.1"),
        ("WEB.shop", "10.0.0.1"),
        ("web.other", "10.0.0.2"),
        ("api.example.com", "10.0.0.3"),
        ("a.wild.example.com", "10.0.0.4"),
        ("a.b.wild.example.com", "10.0.0.4"),
        ("a.deep.wild.example.com", "10.0.0.5"),
        ("wild.example.com", None),
        ("example.com", None),
        ("api", None),
        ("", None),
    ],
)
def test_names_are_found_by_every_form_a_program_uses(name: str, ip: str | None) -> None:
    assert address(name) == ip


def test_the_shortest_form_is_that_of_the_own_namespace() -> None:
    assert address("web", "other") == "10.0.0.2"
    assert address("web", "third") is None


def test_a_name_with_a_search_domain_is_an_alias_of_the_real_one() -> None:
    found = table().find("api.example.com.shop.svc.cluster.local")
    assert found == Answer(("10.0.0.3",), ("fd00::3",), alias="api.example.com")


def test_only_the_first_search_domain_is_tried() -> None:
    assert table().find("api.example.com.x") is None


def test_a_name_without_usable_address_is_known_and_empty() -> None:
    assert table().find("no-address.example.com") == Answer()
