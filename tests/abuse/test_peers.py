"""Callers that are not who they should be, at the port of a workload that is strict."""

import ssl

import pytest

from tests.abuse import wire
from tests.abuse.conftest import Target
from tests.abuse.forgery import CLIENT, Forger

pytestmark = [pytest.mark.envoy, pytest.mark.root]

PORT = 8080
ASK = wire.get("/a")


def test_the_honest_caller_is_answered(target: Target) -> None:
    """Else the refusals below would prove nothing."""
    reply = wire.mutual(target.pod, PORT, ASK, target.forger.leaf(CLIENT))
    assert reply.status == 200
    assert b"spiffe://cluster.local/ns/app/sa/client" in reply.content


def test_plaintext_is_refused(target: Target) -> None:
    assert wire.plain(target.pod, ASK, port=PORT) == wire.Reply(0)


def test_a_caller_without_certificate_is_refused(target: Target) -> None:
    assert wire.mutual(target.pod, PORT, ASK, None) == wire.Reply(0)


def test_a_certificate_of_an_unknown_authority_is_refused(target: Target) -> None:
    stranger = Forger.stranger().leaf(CLIENT)
    assert wire.mutual(target.pod, PORT, ASK, stranger) == wire.Reply(0)


@pytest.mark.parametrize(
    ("begins", "ends"), [(-7200, -3600), (3600, 7200)], ids=["expired", "not yet valid"]
)
def test_a_certificate_out_of_its_time_is_refused(
    target: Target, begins: float, ends: float
) -> None:
    leaf = target.forger.leaf(CLIENT, begins=begins, ends=ends)
    assert wire.mutual(target.pod, PORT, ASK, leaf) == wire.Reply(0)


def test_a_workload_cannot_issue_certificates(target: Target) -> None:
    own = target.forger.leaf("spiffe://cluster.local/ns/app/sa/legacy")
    forged = target.forger.below(own, CLIENT)
    assert wire.mutual(target.pod, PORT, ASK, forged) == wire.Reply(0)


def test_another_trust_domain_is_refused(target: Target) -> None:
    leaf = target.forger.leaf("spiffe://elsewhere/ns/app/sa/client")
    assert wire.mutual(target.pod, PORT, ASK, leaf) == wire.Reply(0)


def test_a_name_that_only_begins_like_the_trust_domain_is_refused(target: Target) -> None:
    leaf = target.forger.leaf("spiffe://cluster.local.evil/ns/app/sa/client")
    assert wire.mutual(target.pod, PORT, ASK, leaf) == wire.Reply(0)


@pytest.mark.parametrize(
    "identity",
    [
        "spiffe://cluster.local/ns/app/sa/legacy",
        "spiffe://cluster.local/ns/other/sa/client",
        "spiffe://cluster.local/ns/app/sa/client2",
        "spiffe://cluster.local/ns/app/sa/Client",
        "spiffe://cluster.local/ns/app/sa/client/",
        "spiffe://cluster.local/ns/app/sa/x/../client",
    ],
)
def test_another_identity_may_not_call(target: Target, identity: str) -> None:
    reply = wire.mutual(target.pod, PORT, ASK, target.forger.leaf(identity))
    assert reply.status in (0, 403)


def test_a_name_in_the_dns_names_is_no_identity(target: Target) -> None:
    leaf = target.forger.leaf("spiffe://cluster.local/ns/app/sa/legacy", dns=("client.app",))
    assert wire.mutual(target.pod, PORT, ASK, leaf).status in (0, 403)


def test_old_versions_of_tls_are_refused(target: Target) -> None:
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        leaf = target.forger.leaf(CLIENT)
        assert wire.mutual(target.pod, PORT, ASK, leaf, latest=version) == wire.Reply(0)


def test_other_tls_than_the_meshs_own_needs_a_certificate_too(target: Target) -> None:
    """Without its protocol names, as a browser would: no way around the check."""
    for protocols in (("http/1.1",), ("h2",)):
        nobody = wire.mutual(target.pod, PORT, ASK, None, protocols=protocols)
        assert nobody == wire.Reply(0)
