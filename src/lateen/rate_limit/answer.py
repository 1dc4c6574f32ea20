"""From a question of Envoy's protocol to counters, and from their readings to the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from google.protobuf.message import DecodeError

from lateen.base.metrics import Registry
from lateen.envoy import messages, types
from lateen.identity.credential import from_certificate
from lateen.identity.errors import IdentityError
from lateen.rate_limit.config_file import Entry, Found
from lateen.rate_limit.counters import UNIT_SECONDS, Counter, Limit, Reading
from lateen.rate_limit.limits import Limits, NotYours
from lateen.xds.transport.call import Call
from lateen.xds.transport.status import CallRefused, Status

MOST_DESCRIPTORS = 200
LONGEST_KEY = 4096
KEPT, KEPT_BYTES = 4096, 512  # questions that are remembered, and how long one may be
OK, OVER_LIMIT = 1, 2  # RateLimitResponse.Code
UNLIMITED = -1  # in place of a counter's place: a configuration says that there is no limit
WITHOUT_END = 2**32 - 1  # what is left then


@dataclass(frozen=True, slots=True)
class Asked:
    """A question. `places` tells for each descriptor which counter is its own; None: no limit."""

    counters: tuple[Counter, ...]
    places: tuple[int | None, ...]
    domain: str = ""  # one that a configuration knows

    @property
    def unlimited(self) -> int:
        """Of how many descriptors no limit is known."""
        return self.places.count(None)


class Questions:
    """Owns the metrics of what was asked and answered, and the questions that come again."""

    def __init__(
        self, limits: Limits, *, metrics: Registry, trust_domains: Sequence[str] = ()
    ) -> None:
        self._limits = limits
        self._kept: dict[tuple[bytes, str], Asked] = {}  # read with the limits of `_version`
        self._version = limits.version
        self._trust_domains = frozenset(trust_domains)
        self._answers = metrics.counter(
            "lateen_rate_limit_decisions_total",
            "Decisions by rule: ok, over_limit, or shadow (over a limit that refuses nothing).",
            "rule",
            "result",
        )
        self._unlimited = metrics.counter(
            "lateen_rate_limit_unlimited_total", "Descriptors that no limit is known for.", "domain"
        )

    def caller(self, call: Call) -> str:
        """The namespace of a caller that has proven its identity; empty on loopback."""
        if not call.secure:
            return ""
        if call.certificate is None:
            raise CallRefused(Status.UNAUTHENTICATED, "a certificate of the mesh is needed")
        namespace, trust_domain = identity(call.certificate)
        if trust_domain not in self._trust_domains:
            raise CallRefused(Status.PERMISSION_DENIED, "the caller is of a foreign trust domain")
        return namespace

    def asked(self, message: bytes, caller: str) -> Asked:
        """Raises CallRefused. What was asked before, in the same words, is not read again."""
        if self._version != self._limits.version or len(self._kept) >= KEPT:
            self._kept.clear()
            self._version = self._limits.version
        found = self._kept.get((message, caller))
        if found is None:
            found = self._read(message, caller)
            if len(message) <= KEPT_BYTES:
                self._kept[message, caller] = found
        if found.unlimited:
            self._unlimited.labels(found.domain).add(found.unlimited)
        return found

    def _read(self, message: bytes, caller: str) -> Asked:
        try:
            request = types.RateLimitRequest.FromString(message)
        except DecodeError as wrong:
            raise CallRefused(Status.INVALID_ARGUMENT, "not a RateLimitRequest") from wrong
        if not request.domain or not request.descriptors:
            raise CallRefused(Status.INVALID_ARGUMENT, "domain and descriptors must be there")
        if len(request.descriptors) > MOST_DESCRIPTORS:
            raise CallRefused(
                Status.INVALID_ARGUMENT, f"more than {MOST_DESCRIPTORS} descriptors in one request"
            )
        found = [self._found(request.domain, each, caller) for each in request.descriptors]
        replaced = frozenset(name for each in found if each for name in each.replaces)
        counters: list[Counter] = []
        places: list[int | None] = []
        for descriptor, each in zip(request.descriptors, found, strict=True):
            if each is None or (each.name and each.name in replaced):
                places.append(None)
                continue
            if each.limit is None:
                places.append(UNLIMITED)
                continue
            key = counter_key(request.domain, descriptor.entries, each.limit)
            counters.append(Counter(key, each.limit, hits(request, descriptor)))
            places.append(len(counters) - 1)
        known = request.domain if self._limits.knows(request.domain) else ""
        return Asked(tuple(counters), tuple(places), known)

    def answer(self, asked: Asked, readings: Sequence[Reading]) -> bytes:
        made = types.RateLimitResponse(overall_code=OK)
        for place in asked.places:
            status = made.statuses.add(code=OK)
            if place is None:
                continue
            if place == UNLIMITED:
                status.limit_remaining = WITHOUT_END
                continue
            counter, reading = asked.counters[place], readings[place]
            limit = counter.limit
            refused = not reading.allowed and not limit.shadow
            result = "ok" if reading.allowed else "shadow" if limit.shadow else "over_limit"
            self._answers.labels(limit.name, result).add(max(1, counter.hits))
            if refused:
                made.overall_code = status.code = OVER_LIMIT
            status.current_limit.name = limit.name
            status.current_limit.requests_per_unit = limit.requests
            status.current_limit.unit = limit.unit
            if limit.multiplier != 1:
                status.current_limit.unit_multiplier.value = limit.multiplier
            status.limit_remaining = reading.remaining
            seconds = int(reading.reset_seconds)
            status.duration_until_reset.seconds = seconds
            status.duration_until_reset.nanos = int((reading.reset_seconds - seconds) * 1e9)
        return messages.serialize(made)

    def _found(self, domain: str, descriptor: Any, caller: str) -> Found | None:
        entries: list[Entry] = [(entry.key, entry.value) for entry in descriptor.entries]
        if not entries:
            raise CallRefused(Status.INVALID_ARGUMENT, "a descriptor has no entries")
        try:
            return self._limits.find(domain, entries, own_limit(descriptor), caller=caller)
        except NotYours as refusal:
            raise CallRefused(Status.PERMISSION_DENIED, str(refusal)) from refusal


@lru_cache(maxsize=4096)
def identity(certificate: bytes) -> tuple[str, str]:
    """Namespace and trust domain of a certificate that TLS has verified."""
    try:
        found = from_certificate(certificate).identity
    except IdentityError as wrong:
        raise CallRefused(Status.UNAUTHENTICATED, str(wrong)) from wrong
    return found.namespace, found.trust_domain


def own_limit(descriptor: Any) -> Limit | None:
    """The limit that came with a descriptor; without a name, since callers can make up any."""
    if not descriptor.HasField("limit"):
        return None
    sent = descriptor.limit
    unit = type(sent).DESCRIPTOR.fields_by_name["unit"].enum_type.values_by_number[sent.unit].name
    if unit not in UNIT_SECONDS:
        raise CallRefused(Status.INVALID_ARGUMENT, f"a limit has the unit {unit}")
    multiplier = sent.unit_multiplier.value if sent.HasField("unit_multiplier") else 1
    return Limit("", sent.requests_per_unit, unit, max(1, multiplier))


def hits(request: Any, descriptor: Any) -> int:
    """A descriptor's own number beats the request's; nothing is one."""
    amount = request.hits_addend or 1
    if descriptor.HasField("hits_addend"):
        amount = descriptor.hits_addend.value
    return -int(amount) if descriptor.is_negative_hits else int(amount)


def counter_key(domain: str, entries: Any, limit: Limit) -> str:
    """Lengths part the texts, so that no value of a client can look like two entries."""
    parts = [domain, str(limit.seconds)]
    for entry in entries:
        parts += (entry.key, entry.value)
    made = "|".join(f"{len(part)}:{part}" for part in parts)
    if len(made) > LONGEST_KEY:
        raise CallRefused(Status.INVALID_ARGUMENT, "the values of a descriptor are too long")
    return made
