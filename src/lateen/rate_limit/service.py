"""The process: reads limits, listens, answers, and leaves without cutting a question off.

/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit     the questions
/grpc.health.v1.Health/Check                                     for probes
/ready  /metrics  /limits                                        over HTTP, on loopback
"""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lateen.base.clock import Clock
from lateen.base.metrics import DURATION_BUCKETS, Registry
from lateen.base.tasks import Tasks
from lateen.config.folder import Batch, FolderSource
from lateen.control.guard import Guard
from lateen.control.http import Answer, HttpServer, PageTable, Query, as_json, text
from lateen.identity.credential import from_certificate
from lateen.rate_limit import config_file
from lateen.rate_limit.answer import Questions
from lateen.rate_limit.config_file import Domain
from lateen.rate_limit.counters import Reading
from lateen.rate_limit.errors import ConfigError, StoreUnavailable
from lateen.rate_limit.health import METHOD as HEALTH
from lateen.rate_limit.health import health
from lateen.rate_limit.identity import MeshIdentity
from lateen.rate_limit.limits import Limits
from lateen.rate_limit.memory import MemoryStore
from lateen.rate_limit.settings import ServiceSettings, WhenRedisFails, Window
from lateen.xds.transport import limits as transport_limits
from lateen.xds.transport.call import Call
from lateen.xds.transport.listener import Address, Listener
from lateen.xds.transport.service import Deferred, Methods, Unary
from lateen.xds.transport.status import CallRefused, Status

if TYPE_CHECKING:
    from lateen.rate_limit.redis_store import RedisStore

log = logging.getLogger(__name__)

SERVICE = "envoy.service.ratelimit.v3.RateLimitService"
METHOD = f"/{SERVICE}/ShouldRateLimit"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LIMITS = transport_limits.Limits(
    streams=1000,  # a proxy asks for every request of its own on one connection
    message_bytes=256 * 1024,
    resets=10_000,  # questions that a proxy gave up because its timeout was over
)


class RateLimitService:
    """Owns store, listeners and what was read. `run` serves until `stop` is set."""

    def __init__(self, settings: ServiceSettings, *, clock: Clock, random: Random) -> None:
        """Raises ConfigError when a configuration file is wrong."""
        self.settings = settings
        self.metrics = Registry()
        self.is_ready = False
        self.listener: Listener | None = None
        self.admin: HttpServer | None = None
        self._clock, self._random = clock, random
        self._limits = Limits(
            files=[_read(path) for path in settings.config_files],
            config_maps=settings.config_maps,
            root_namespace=settings.root_namespace,
        )
        slides = settings.window is Window.SLIDING
        self._memory = MemoryStore(clock=clock, slides=slides, most=settings.counters)
        self._redis = _redis_store(settings) if settings.redis else None
        self._seconds = self.metrics.histogram(
            "lateen_rate_limit_answer_seconds",
            "From a question to its answer.",
            bounds=DURATION_BUCKETS,
        ).buckets()
        self._failures = self.metrics.counter(
            "lateen_rate_limit_store_failures_total",
            "Questions that Redis did not answer, by what became of them: error or memory.",
            "mode",
        )
        self._observe_stores()

    @property
    def address(self) -> Address:
        assert self.listener is not None, "running"
        return self.listener.address

    async def run(self, stop: asyncio.Event, *, started: Callable[[], None] = lambda: None) -> None:
        async with Tasks() as tasks:
            try:
                await self._start_admin()
                await self._read_limits(tasks)
                if self._redis is not None:
                    tasks.start(self._redis.run(), name="Redis")
                await self._listen(tasks)
                self.is_ready = True
                log.info("ready", extra={"address": str(self.address)})
                started()
                await stop.wait()
            finally:
                await self._drain()

    # -- limits ---------------------------------------------------------------------------------

    async def _read_limits(self, tasks: Tasks) -> None:
        if not self.settings.folders:
            return
        source = FolderSource(self.settings.folders, namespace=self.settings.namespace)
        batches = source.batches()
        self._apply(await anext(batches))

        async def follow() -> None:
            async for batch in batches:
                self._apply(batch)

        tasks.start(follow(), name="changes of the limits")

    def _apply(self, batch: Batch) -> None:
        before = dict(self._limits.problems)
        self._limits.apply(batch.changes)
        for key, problem in self._limits.problems.items():
            if before.get(key) != problem:
                print(f"{problem.severity}: {problem}", file=sys.stderr, flush=True)

    # -- serving --------------------------------------------------------------------------------

    async def _listen(self, tasks: Tasks) -> None:
        settings, context = self.settings, None
        trust_domains = settings.trust_domains
        if settings.discovery is not None:
            identity = MeshIdentity(
                settings.discovery, metrics=self.metrics, clock=self._clock, random=self._random
            )
            certificate, context = await identity.first()
            tasks.start(identity.run(), name="rotation of the certificate")
            trust_domains = (trust_domain(certificate.chain), *trust_domains)
        questions = Questions(self._limits, metrics=self.metrics, trust_domains=trust_domains)
        self.listener = Listener(
            settings.listen, self._methods(questions, tasks), tls=context, limits=LIMITS
        )
        await self.listener.start()

    def _methods(self, questions: Questions, tasks: Tasks) -> Methods:
        serves = health(SERVICE, lambda: self.is_ready)
        if self._redis is None:
            return {METHOD: Unary(self._from_memory(questions)), HEALTH: serves}
        return {METHOD: self._from_redis(questions, self._redis, tasks), HEALTH: serves}

    def _from_memory(self, questions: Questions) -> Callable[[Call, bytes], bytes]:
        def answer(call: Call, message: bytes) -> bytes:
            begun = self._clock()
            asked = questions.asked(message, questions.caller(call))
            made = questions.answer(asked, self._memory.take(asked.counters))
            self._seconds.observe(self._clock() - begun)
            return made

        return answer

    def _from_redis(self, questions: Questions, store: "RedisStore", tasks: Tasks) -> Deferred:
        async def answer(call: Call, message: bytes) -> bytes:
            begun = self._clock()
            asked = questions.asked(message, questions.caller(call))
            readings: list[Reading] = []
            if asked.counters:
                try:
                    readings = await store.take(asked.counters)
                except StoreUnavailable as trouble:
                    mode = self.settings.when_redis_fails
                    self._failures.labels(mode.value).add()
                    if mode is WhenRedisFails.ERROR:
                        raise CallRefused(Status.UNAVAILABLE, str(trouble)) from trouble
                    readings = self._memory.take(asked.counters)
            made = questions.answer(asked, readings)
            self._seconds.observe(self._clock() - begun)
            return made

        return Deferred(answer, tasks)

    async def _drain(self) -> None:
        """Probes hear NOT_SERVING, proxies a goodbye; questions on their way are answered."""
        self.is_ready = False
        if self.listener is not None:
            await self.listener.stop(self.settings.drain_seconds)
        if self.admin is not None:
            await self.admin.stop()

    # -- admin ----------------------------------------------------------------------------------

    async def _start_admin(self) -> None:
        if self.settings.admin is None:
            return
        pages = PageTable(
            shown={
                "/ready": self._readiness,
                "/metrics": lambda _: Answer(200, self.metrics.text().encode(), METRICS_TYPE),
                "/limits": lambda _: as_json(self._limits.describe()),
            },
            open_pages=frozenset(("/ready", "/metrics")),
        )
        guard = Guard(user=os.geteuid())
        self.admin = HttpServer(self.settings.admin, pages, guard=guard)
        await self.admin.start()

    def _readiness(self, query: Query) -> Answer:
        return text("ready\n") if self.is_ready else text("not ready\n", 503)

    def _observe_stores(self) -> None:
        gauge = self.metrics.read_gauge
        gauge("lateen_rate_limit_rules", "Rules of RateLimits.", lambda: len(self._limits))
        gauge("lateen_rate_limit_counters", "Counters in memory.", lambda: len(self._memory))
        gauge(
            "lateen_rate_limit_evicted",
            "Counters that went for others before their window was over.",
            lambda: self._memory.evicted,
        )
        store = self._redis
        if store is not None:
            gauge(
                "lateen_rate_limit_redis_available",
                "1: Redis answered last time.",
                lambda: float(store.is_available),
            )


def _redis_store(settings: ServiceSettings) -> "RedisStore":
    """Its library takes longer to load than all the rest, so only where it is used."""
    from lateen.rate_limit.redis_store import RedisStore

    slides = settings.window is Window.SLIDING
    return RedisStore(settings.redis, slides=slides, timeout_seconds=settings.redis_seconds)


def _read(path: Path) -> Domain:
    try:
        return config_file.parse(path.read_text(), place=str(path))
    except OSError as trouble:
        raise ConfigError(f"{path}: cannot be read: {trouble.strerror}") from trouble


def trust_domain(chain: bytes) -> str:
    """Of the first certificate of a PEM chain."""
    leaf = x509.load_pem_x509_certificate(chain).public_bytes(Encoding.DER)
    return from_certificate(leaf).identity.trust_domain
