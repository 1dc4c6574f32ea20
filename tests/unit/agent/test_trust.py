"""Whom Envoy is told to believe."""

import time
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from lateen.agent.messages import SPIFFE_VALIDATOR, Secret
from lateen.agent.secrets import SecretStore
from lateen.agent.trust import Trust
from lateen.agent.workload_certificate import WorkloadCertificate
from lateen.ca.authority import Authority, organisation, self_signed
from lateen.envoy import schema
from lateen.identity.lifetime import Lifetime
from lateen.identity.trust_bundle import TrustBundle

NOW = time.time()


def authority(name: str) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    root = self_signed(key, organisation(name), now=NOW, ttl_seconds=3600)
    return Authority(key, root, (), (root,))


OLD, NEW, OTHER = authority("old"), authority("new"), authority("other")


class Workload:
    def __init__(self) -> None:
        self.store = SecretStore()
        self.orphaned = 0
        self.trust = Trust(self.store, orphaned=self._orphaned)
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = OLD.issue(key.public_key(), [x509.DNSName("a")], now=NOW, ttl_seconds=60)
        self.certificate = WorkloadCertificate(
            "".join(OLD.chain(leaf)[:-1]).encode(),
            b"key",
            OLD.root_bundle.encode(),
            Lifetime(NOW, NOW + 60),
        )

    def _orphaned(self) -> None:
        self.orphaned += 1

    @property
    def context(self) -> Any:
        found = self.store.find("ROOTCA")
        assert found is not None
        return Secret.FromString(found.message).validation_context


def bundle(*domains: tuple[str, str], revoked: bytes = b"") -> bytes:
    made = TrustBundle(revoked=revoked)
    for name, roots in domains:
        made.domains.add(name=name, roots=roots.encode())
    return bytes(made.SerializeToString())


def test_the_roots_of_the_certificate_are_trusted_first() -> None:
    workload = Workload()
    workload.trust.learn(workload.certificate)
    assert workload.context.trusted_ca.inline_bytes == OLD.root_bundle.encode()


def test_a_bundle_adds_a_root_before_anybody_shows_it() -> None:
    workload = Workload()
    workload.trust.learn(workload.certificate)
    both = OLD.root_bundle + NEW.root_bundle
    workload.trust.take(bundle(("cluster.local", both)))
    assert workload.context.trusted_ca.inline_bytes == both.encode()
    assert workload.trust.roots == both.encode()
    assert workload.orphaned == 0


def test_a_certificate_whose_root_is_gone_is_renewed_at_once() -> None:
    workload = Workload()
    workload.trust.learn(workload.certificate)
    workload.trust.take(bundle(("cluster.local", NEW.root_bundle)))
    assert workload.orphaned == 1


def test_lists_of_revoked_leaves_reach_envoy() -> None:
    workload = Workload()
    workload.trust.take(bundle(("cluster.local", OLD.root_bundle), revoked=b"list"))
    assert workload.context.crl.inline_bytes == b"list"
    assert workload.context.only_verify_leaf_cert_crl


def test_trust_domains_are_kept_apart() -> None:
    workload = Workload()
    domains = (("cluster.local", OLD.root_bundle), ("other.org", OTHER.root_bundle))
    workload.trust.take(bundle(*domains))
    found = workload.store.find("ROOTCA")
    assert found is not None
    name = "envoy.extensions.transport_sockets.tls.v3"
    secret = schema.message(f"{name}.Secret").FromString(found.message)
    custom = secret.validation_context.custom_validator_config
    assert custom.name == SPIFFE_VALIDATOR
    validator = schema.message(f"{name}.SPIFFECertValidatorConfig").FromString(
        custom.typed_config.value
    )
    told = [
        (each.name, each.trust_bundle.inline_bytes.decode()) for each in validator.trust_domains
    ]
    assert told == list(domains)


@pytest.mark.parametrize("roots", ["nonsense", ""])
def test_roots_that_are_none_change_nothing(roots: str) -> None:
    workload = Workload()
    workload.trust.learn(workload.certificate)
    with pytest.raises(ValueError):
        workload.trust.take(bundle(("cluster.local", roots)))
    assert workload.context.trusted_ca.inline_bytes == OLD.root_bundle.encode()


def test_an_empty_bundle_changes_nothing() -> None:
    workload = Workload()
    workload.trust.learn(workload.certificate)
    workload.trust.take(b"")
    assert workload.context.trusted_ca.inline_bytes == OLD.root_bundle.encode()
