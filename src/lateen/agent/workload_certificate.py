"""The certificate a workload has at one moment."""

from dataclasses import dataclass, field

from lateen.identity.lifetime import Lifetime


@dataclass(frozen=True, slots=True)
class WorkloadCertificate:
    """All PEM. `chain` is the leaf and its intermediates, `roots` what peers are checked with."""

    chain: bytes
    key: bytes = field(repr=False)
    roots: bytes
    lifetime: Lifetime

    def is_valid(self, now: float) -> bool:
        return now < self.lifetime.ends
