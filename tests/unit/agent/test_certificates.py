"""Renewal: when, how often after a failure, and what stays in force meanwhile."""

import asyncio
from random import Random

import pytest

from lateen.agent.certificates import CertificateClient, CertificateRotation
from lateen.agent.errors import AgentError
from lateen.agent.metrics import AgentMetrics
from lateen.agent.settings import DiscoverySettings
from lateen.agent.workload_certificate import WorkloadCertificate
from lateen.identity.lifetime import Lifetime


class Time:
    """Loop time and clock in one: sleeping moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Signer(CertificateClient):
    """Signs for `life` seconds, after `failures` refusals."""

    def __init__(self, clock: Time, *, life: float, failures: int = 0) -> None:
        super().__init__(
            DiscoverySettings(address="127.0.0.1:1", root_cert="r"), ttl_seconds=life, clock=clock
        )
        self._time = clock
        self._life = life
        self.failures = failures
        self.calls: list[WorkloadCertificate | None] = []

    async def obtain(self, current: WorkloadCertificate | None) -> WorkloadCertificate:
        self.calls.append(current)
        if self.failures:
            self.failures -= 1
            raise AgentError("away")
        number = str(len(self.calls)).encode()
        now = self._time()
        return WorkloadCertificate(number, b"key", b"roots", Lifetime(now, now + self._life))


def rotation(
    signer: Signer, clock: Time
) -> tuple[CertificateRotation, AgentMetrics, list[WorkloadCertificate]]:
    metrics, found = AgentMetrics(), list[WorkloadCertificate]()
    made = CertificateRotation(
        signer, clock=clock, random=Random(1), metrics=metrics, changed=found.append
    )
    return made, metrics, found


def test_the_first_certificate_is_waited_for_through_failures() -> None:
    clock = Time()
    signer = Signer(clock, life=100, failures=2)
    rotating, metrics, found = rotation(signer, clock)
    certificate = asyncio.run(rotating.first())
    assert found == [certificate]
    assert metrics.certificate_failures.value == 2
    assert metrics.certificate_requests.value == 3
    assert metrics.certificate_expiry.value == 1100


def test_a_second_wait_is_for_nothing() -> None:
    clock = Time()
    signer = Signer(clock, life=100)
    rotating, _, _ = rotation(signer, clock)

    async def twice() -> bool:
        return await rotating.first() is await rotating.first()

    assert asyncio.run(twice())
    assert len(signer.calls) == 1


def test_renewal_shows_the_certificate_in_force() -> None:
    clock = Time()
    signer = Signer(clock, life=1)
    rotating, _, found = rotation(signer, clock)

    async def until_second() -> None:
        running = asyncio.ensure_future(rotating.run())
        async with asyncio.timeout(10):
            while len(found) < 2:
                await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(until_second())
    assert signer.calls[:2] == [None, found[0]]


def test_an_expired_certificate_is_not_shown() -> None:
    clock = Time()
    rotating, _, found = rotation(Signer(clock, life=100), clock)
    asyncio.run(rotating.first())
    assert rotating.valid() is found[0]
    clock.now += 101
    assert rotating.valid() is None


def test_a_missing_root_certificate_is_named() -> None:
    settings = DiscoverySettings(address="127.0.0.1:1", root_cert="/no/such/root.pem")
    client = CertificateClient(settings, ttl_seconds=60, clock=Time())
    with pytest.raises(AgentError, match=r"/no/such/root\.pem"):
        asyncio.run(client.obtain(None))
