"""Which roots vouch for which trust domain."""

import json
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from lateen.ca.authority import organisation, pem, self_signed
from lateen.identity.trust_bundle import Trust, TrustBundle
from lateen.translate import trust_bundle
from lateen.view.mesh import Mesh, Settings

KEY = ec.generate_private_key(ec.SECP256R1())
OWN = Trust(roots="OWN\n")


def root(name: str) -> str:
    return pem(self_signed(KEY, organisation(name), now=time.time(), ttl_seconds=3600))


MORE, FRIEND, OTHER = root("more"), root("friend"), root("other")


def bundle(config: str, trust: Trust = OWN) -> dict[str, str]:
    return {each.name: each.roots.decode() for each in message(config, trust).domains}


def message(config: str, trust: Trust) -> Any:
    mesh = Mesh(Settings(mesh_config=config))
    mesh.set_trust(trust)
    found = trust_bundle.trust_bundle(mesh)
    assert found is not None
    return TrustBundle.FromString(found)


def test_nothing_is_said_before_the_authority_has_spoken() -> None:
    assert trust_bundle.trust_bundle(Mesh()) is None


def test_the_authoritys_roots_vouch_for_the_own_trust_domain() -> None:
    assert bundle("trustDomain: shop.org") == {"shop.org": "OWN\n"}


def test_further_roots_without_trust_domains_are_everybodys() -> None:
    config = f"caCertificates: [{{pem: {json.dumps(MORE)}}}]"
    assert bundle(config) == {"cluster.local": f"OWN\n{MORE}"}


def test_roots_of_another_trust_domain_vouch_for_it_alone() -> None:
    config = f"""
trustDomainAliases: [old.org, friend.org]
caCertificates:
- {{pem: {json.dumps(FRIEND)}, trustDomains: [friend.org]}}
"""
    assert bundle(config) == {
        "cluster.local": "OWN\n",
        "old.org": "OWN\n",
        "friend.org": FRIEND,
    }


def test_what_a_bundle_url_gave_is_used_and_what_it_did_not_is_left_out() -> None:
    config = """
caCertificates:
- {spiffeBundleUrl: "https://a", trustDomains: [a.org]}
- {spiffeBundleUrl: "https://b", trustDomains: [b.org]}
"""
    trust = Trust(roots="OWN\n", fetched=(("https://a", OTHER),))
    assert bundle(config, trust) == {"cluster.local": "OWN\n", "a.org": OTHER}


def test_roots_of_a_kubernetes_signer_are_not_for_peers() -> None:
    config = f"caCertificates: [{{pem: {json.dumps(MORE)}, certSigners: [a/b]}}]"
    assert bundle(config) == {"cluster.local": "OWN\n"}


def test_lists_of_revoked_leaves_are_passed_on() -> None:
    assert message("", Trust(roots="OWN\n", revoked="LIST")).revoked == b"LIST"


def test_what_is_no_certificate_does_not_spoil_the_bundle() -> None:
    assert bundle("caCertificates: [{pem: nonsense}]") == {"cluster.local": "OWN\n"}
