"""VirtualServices of one host on a gateway."""

from lateen.view.conflicts import conflicts
from tests.unit.view.conflicts.told import told
from tests.unit.view.meshes import istio, mesh_of


def rule(name: str, *prefixes: str, gateway: str = "edge", more: str = "") -> str:
    routes = ", ".join(
        f"{{match: [{{uri: {{prefix: {prefix}}}}}], route: [{{destination: {{host: {name}}}}}]}}"
        for prefix in prefixes
    )
    return istio(
        "VirtualService", name, f"hosts: [a.com], gateways: [{gateway}], http: [{routes}]{more}"
    )


def test_different_matches_merge() -> None:
    assert told(mesh_of(rule("a", "/a") + rule("b", "/b"))) == []


def test_an_equal_match_of_a_younger_one_is_reported() -> None:
    (found,) = conflicts(mesh_of(rule("a", "/x") + rule("b", "/b", "/x")))

    assert (found.resource, found.path) == ("VirtualService default/b", "spec.http[1].match[0]")
    assert "of VirtualService default/a (mesh.yaml:2); this one is never reached" in found.message


def test_two_routes_for_everything_conflict() -> None:
    whole = "http: [{route: [{destination: {host: web}}]}]"
    both = "".join(
        istio("VirtualService", name, f"hosts: [a.com], gateways: [edge], {whole}") for name in "ab"
    )

    assert told(mesh_of(both)) == [
        ("virtual-service-conflict", "VirtualService default/b", "spec.http[0]")
    ]


def test_other_gateways_do_not_meet() -> None:
    assert told(mesh_of(rule("a", "/x") + rule("b", "/x", gateway="other"))) == []
