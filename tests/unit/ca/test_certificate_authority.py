"""What signs and what is trusted, from the first start through every change of root."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from lateen.base.tasks import Tasks
from lateen.ca.authority import pem
from lateen.ca.certificate_authority import CertificateAuthority
from lateen.ca.errors import AuthorityError
from lateen.ca.plugged_in import issued_by
from lateen.ca.rotation import Schedule, StepRefused
from lateen.ca.settings import AuthoritySettings
from lateen.ca.signer import LeafRequest, LocalSigner, SignedLeaf
from lateen.identity.errors import Refused
from tests.plugged_in_authority import Company, plug_in
from tests.unit.ca.requests import WEB, leaf_request, sign
from tests.unit.ca.times import Time

HOUR = 3600.0


def opened(folder: Path, clock: Time, **hooks: Any) -> CertificateAuthority:
    return CertificateAuthority(
        folder / "ca", AuthoritySettings(trust_domain="cluster.local"), clock=clock, **hooks
    )


def certificates(bundle: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(bundle.encode())


def test_a_root_is_made_once_and_its_files_are_private(tmp_path: Path) -> None:
    clock = Time()
    first, second = opened(tmp_path, clock), opened(tmp_path, clock)
    assert first.bundle == second.bundle
    for path in (tmp_path / "ca").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_leaf_chains_to_the_bundle(tmp_path: Path) -> None:
    clock = Time()
    authority = opened(tmp_path, clock)
    leaf = sign(authority, clock.now)
    (root,) = certificates(authority.bundle)
    assert issued_by(leaf.certificate, root)


# rotation


def test_a_root_changes_in_three_stages_a_leafs_life_apart(tmp_path: Path) -> None:
    clock = Time()
    authority = opened(tmp_path, clock)
    old = authority.state.signing
    sign(authority, clock.now)
    new = authority.add()
    assert len(certificates(authority.bundle)) == 2
    assert issued_by(sign(authority, clock.now).certificate, certificates(authority.bundle)[0])

    with pytest.raises(StepRefused, match="wait until then"):
        authority.switch()
    clock.now += 1.2 * HOUR
    assert authority.switch().id == new.id
    leaf = sign(authority, clock.now)
    assert issued_by(leaf.certificate, new.loaded)

    clock.now += 1.2 * HOUR
    assert authority.remove("").id == old
    assert authority.bundle == new.certificate
    assert not (tmp_path / "ca" / "roots" / f"{old}.pem").exists()


def test_a_root_is_switched_to_early_when_every_proxy_has_confirmed_it(tmp_path: Path) -> None:
    clock, unaware = Time(), ["front.shop"]
    authority = opened(tmp_path, clock, unaware=lambda: unaware)
    sign(authority, clock.now)
    new = authority.add()
    with pytest.raises(StepRefused, match=r"front\.shop"):
        authority.switch()
    unaware.clear()
    assert authority.switch().id == new.id


def test_a_root_with_live_leaves_stays_unless_forced(tmp_path: Path) -> None:
    clock = Time()
    authority = opened(tmp_path, clock, unaware=list)
    old = authority.state.signing
    sign(authority, clock.now)
    authority.add()
    authority.switch()
    with pytest.raises(StepRefused, match="live until"):
        authority.remove(old)
    authority.remove(old, force=True)
    assert len(certificates(authority.bundle)) == 1
    assert not list(authority.leaves.issued.live(clock.now))


def test_the_root_that_signs_is_never_removed(tmp_path: Path) -> None:
    authority = opened(tmp_path, Time())
    with pytest.raises(StepRefused, match="signs"):
        authority.remove(authority.state.signing, force=True)


def test_a_second_root_is_not_added_before_the_first_signs(tmp_path: Path) -> None:
    authority = opened(tmp_path, Time())
    authority.add()
    with pytest.raises(StepRefused, match="added already"):
        authority.add()


def test_a_stage_survives_the_end_of_the_process(tmp_path: Path) -> None:
    clock = Time()
    before = opened(tmp_path, clock, unaware=list)
    sign(before, clock.now)
    new = before.add()
    after = opened(tmp_path, clock, unaware=list)
    assert after.bundle == before.bundle
    after.switch()
    again = opened(tmp_path, clock)
    assert issued_by(sign(again, clock.now).certificate, new.loaded)
    with pytest.raises(StepRefused, match="live until"):
        again.remove("")


def test_files_that_a_crash_left_are_removed(tmp_path: Path) -> None:
    clock = Time()
    opened(tmp_path, clock)
    left = tmp_path / "ca" / "roots" / "0123.pem"
    left.write_text("half")
    opened(tmp_path, clock)
    assert not left.exists()


def test_an_old_root_is_replaced_without_anybody_asking(tmp_path: Path) -> None:
    clock = Time()
    settings = AuthoritySettings(
        trust_domain="cluster.local", schedule=Schedule(at_age_seconds=10 * HOUR)
    )
    authority = CertificateAuthority(tmp_path / "ca", settings, clock=clock)
    old = authority.state.signing
    seen = []
    for _ in range(60):
        clock.now += HOUR / 4
        sign(authority, clock.now)
        authority.carry_out()
        seen.append((authority.state.signing == old, len(authority.state.roots)))
    stages = list(dict.fromkeys(seen))
    assert stages == [(True, 1), (True, 2), (False, 2), (False, 1)]


# plugged-in sets


def test_a_plugged_in_set_signs_from_the_first_start(tmp_path: Path) -> None:
    clock = Time()
    root, _ = plug_in(tmp_path / "ca", now=clock.now)
    authority = opened(tmp_path, clock)
    assert authority.bundle == pem(root)
    assert len(sign(authority, clock.now).chain) == 3
    with pytest.raises(StepRefused, match="plugged-in does"):
        authority.add()


def test_another_intermediate_of_the_same_root_signs_at_once(tmp_path: Path) -> None:
    clock = Time()
    company = Company(now=clock.now)
    company.plug_in(tmp_path / "ca")
    authority = opened(tmp_path, clock)
    before = sign(authority, clock.now)
    company.plug_in(tmp_path / "ca")
    authority.reload()
    after = sign(authority, clock.now)
    assert after.intermediates[0] != before.intermediates[0]
    assert after.roots == before.roots


def test_a_set_of_another_root_waits_until_every_proxy_trusts_it(tmp_path: Path) -> None:
    clock = Time()
    plug_in(tmp_path / "ca", now=clock.now)
    authority = opened(tmp_path, clock)
    first = sign(authority, clock.now)
    other, _ = plug_in(tmp_path / "ca", now=clock.now)
    authority.reload()
    assert other in certificates(authority.bundle)
    assert sign(authority, clock.now).intermediates == first.intermediates

    restarted = opened(tmp_path, clock)
    clock.now += HOUR
    assert sign(restarted, clock.now).intermediates == first.intermediates
    clock.now += 0.2 * HOUR
    restarted.carry_out()
    assert sign(restarted, clock.now).roots == (other,)
    assert len(certificates(restarted.bundle)) == 2
    clock.now += 1.2 * HOUR
    restarted.carry_out()
    assert restarted.bundle == pem(other)


@pytest.mark.parametrize("name", ["ca-key.pem", "ca-cert.pem", "root-cert.pem", "cert-chain.pem"])
def test_a_bad_set_leaves_the_last_good_one_in_force(tmp_path: Path, name: str) -> None:
    clock = Time()
    plug_in(tmp_path / "ca", now=clock.now)
    authority = opened(tmp_path, clock)
    good = sign(authority, clock.now)
    (tmp_path / "ca" / name).write_text("half writ")
    authority.reload()
    assert name in authority.trouble
    assert sign(authority, clock.now).intermediates == good.intermediates
    restarted = opened(tmp_path, clock)
    assert sign(restarted, clock.now).intermediates == good.intermediates


def test_a_bad_set_at_the_first_start_is_an_error(tmp_path: Path) -> None:
    clock = Time()
    plug_in(tmp_path / "ca", now=clock.now)
    (tmp_path / "ca" / "ca-key.pem").write_text("nonsense")
    with pytest.raises(AuthorityError, match=r"ca-key\.pem"):
        opened(tmp_path, clock)


def test_an_own_root_gives_way_to_a_plugged_in_set_and_its_key_goes(tmp_path: Path) -> None:
    clock = Time()
    authority = opened(tmp_path, clock)
    own = authority.state.signing
    sign(authority, clock.now)
    root, _ = plug_in(tmp_path / "ca", now=clock.now)
    authority.reload()
    clock.now += HOUR
    sign(authority, clock.now)
    clock.now += 0.2 * HOUR
    authority.carry_out()
    assert len(certificates(authority.bundle)) == 2
    assert sign(authority, clock.now).roots == (root,)
    clock.now += 1.2 * HOUR
    authority.carry_out()
    assert authority.bundle == pem(root)
    assert f"{own}.pem" not in os.listdir(tmp_path / "ca" / "roots")


# eviction


def test_an_evicted_identity_gets_no_certificate_until_it_is_let_in_again(tmp_path: Path) -> None:
    clock = Time()
    authority = opened(tmp_path, clock)
    leaf = sign(authority, clock.now)
    ends = authority.evict(str(WEB))
    assert ends == leaf.certificate.not_valid_after_utc.timestamp()
    restarted = opened(tmp_path, clock)
    with pytest.raises(Refused, match="evicted"):
        sign(restarted, clock.now)
    restarted.readmit(str(WEB))
    assert sign(restarted, clock.now)


def test_the_leaves_of_an_evicted_identity_are_revoked(tmp_path: Path) -> None:
    clock = Time()
    authority = opened(tmp_path, clock)
    leaf = sign(authority, clock.now)
    other = sign(authority, clock.now, identity="spiffe://cluster.local/ns/shop/sa/cart")
    assert not authority.revocations.lists
    authority.evict(str(WEB))
    found = x509.load_pem_x509_crl(authority.revocations.lists.encode())
    assert found.is_signature_valid(certificates(authority.bundle)[0].public_key())
    assert found.get_revoked_certificate_by_serial_number(leaf.certificate.serial_number)
    assert not found.get_revoked_certificate_by_serial_number(other.certificate.serial_number)


class Elsewhere:
    """A server that signs, in this process."""

    name = "elsewhere"

    def __init__(self, company: Company) -> None:
        self._signer = LocalSigner(company.authority(), self.name)
        self.root = company.root
        self.asked = lambda: None

    async def roots(self) -> tuple[x509.Certificate, ...]:
        return (self.root,)

    async def sign(self, request: LeafRequest) -> SignedLeaf:
        self.asked()
        return await self._signer.sign(request)


def test_a_server_elsewhere_signs_when_every_proxy_trusts_its_root(tmp_path: Path) -> None:
    clock = Time()
    sign(opened(tmp_path, clock), clock.now)
    elsewhere = Elsewhere(Company(now=clock.now))
    authority = opened(tmp_path, clock, external=elsewhere)
    with pytest.raises(StepRefused, match="not named its roots"):
        authority.switch(force=True)
    asyncio.run(authority.refresh())
    assert len(certificates(authority.bundle)) == 2
    assert sign(authority, clock.now).roots != (elsewhere.root,)
    clock.now += 1.2 * HOUR
    authority.carry_out()
    assert sign(authority, clock.now).roots == (elsewhere.root,)
    assert authority.local.certificate not in certificates(authority.bundle)
    clock.now += 1.2 * HOUR
    authority.carry_out()
    assert certificates(authority.bundle) == [elsewhere.root]
    assert not list((tmp_path / "ca" / "roots").iterdir())


def test_a_server_elsewhere_signs_at_once_where_no_certificate_lives(tmp_path: Path) -> None:
    clock = Time()
    elsewhere = Elsewhere(Company(now=clock.now))
    authority = opened(tmp_path, clock, external=elsewhere)
    assert sign(authority, clock.now).roots == (elsewhere.root,)
    assert certificates(authority.bundle) == [elsewhere.root]


def test_who_is_evicted_while_a_server_elsewhere_signs_gets_nothing(tmp_path: Path) -> None:
    clock = Time()
    elsewhere = Elsewhere(Company(now=clock.now))
    authority = opened(tmp_path, clock, external=elsewhere)
    elsewhere.asked = lambda: authority.evict(str(WEB)) and None
    with pytest.raises(Refused, match="evicted"):
        sign(authority, clock.now)
    assert not list(authority.leaves.issued.live(clock.now))


def test_a_rotation_that_was_started_goes_on_by_itself(tmp_path: Path) -> None:
    """In real time, with leaves of two seconds."""
    authority = CertificateAuthority(
        tmp_path / "ca", AuthoritySettings(trust_domain="cluster.local"), clock=time.time
    )
    old = authority.state.signing

    async def scenario() -> None:
        await authority.sign(leaf_request(time.time(), ttl_seconds=2))
        async with Tasks() as tasks, asyncio.timeout(30):
            tasks.start(authority.run(), name="authority")
            await asyncio.sleep(0)
            authority.add(automatic=True)
            while authority.state.signing == old:
                await asyncio.sleep(0.05)
            await authority.sign(leaf_request(time.time(), ttl_seconds=2))
            while authority.state.find(old) is not None:
                await asyncio.sleep(0.05)

    asyncio.run(scenario())
    assert len(authority.state.roots) == 1
