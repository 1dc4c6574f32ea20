"""What has been issued, and what of it counts no more: leaves, evictions, revocation lists.

An evicted identity gets no leaf; those that it has are on the lists of their issuers, as far as the
keys of all issuers of live leaves are here (see `revocation`).
"""

from collections.abc import Sequence
from pathlib import Path

from lateen.ca import revocation
from lateen.ca.authority import Authority
from lateen.ca.evictions import Evictions
from lateen.ca.issued import IssuedLeaf, IssuedLeaves
from lateen.ca.revocation import Revocations
from lateen.ca.signer import SignedLeaf
from lateen.ca.trusted_roots import root_id
from lateen.identity.errors import Refused, StatusCode


class Leaves:
    """Owns the record of issued leaves, the evictions, and the authorities that signed before."""

    def __init__(self, folder: Path, *, now: float) -> None:
        self.issued = IssuedLeaves(folder, now=now)
        self.evictions = Evictions(folder)
        self._former: dict[str, Authority] = {}  # plugged-in ones that sign no more, by id

    def check_admitted(self, identity: str) -> None:
        """Raises Refused for an evicted identity."""
        if identity in self.evictions:
            raise Refused(StatusCode.PERMISSION_DENIED, f"{identity} is evicted")

    def record(self, identity: str, leaf: SignedLeaf, *, now: float) -> None:
        issuer = leaf.intermediates[0] if leaf.intermediates else leaf.roots[0]
        serial = f"{leaf.certificate.serial_number:x}"
        ends = leaf.certificate.not_valid_after_utc.timestamp()
        self.issued.add(IssuedLeaf(identity, serial, root_id(issuer), ends), now=now)

    def evict(self, identity: str, *, now: float) -> float:
        """When the last leaf of the identity ends."""
        self.evictions.add(identity, now=now)
        return self.issued.end_of(identity, now=now)

    def keep_former(self, authority: Authority) -> None:
        """It signs no more, but may still revoke what it has signed."""
        self._former[root_id(authority.certificate)] = authority

    def forget_former(self, now: float) -> None:
        """Those of which no live leaf is left."""
        issuers = {leaf.issuer for leaf in self.issued.live(now)}
        self._former = {id_: each for id_, each in self._former.items() if id_ in issuers}

    def revocations(
        self, signing: Sequence[Authority], *, supplied: str, now: float
    ) -> Revocations:
        """Of the authorities whose keys are here, the one that signs now first; and the lists that
        came with a plugged-in set. Empty when there is nothing to revoke."""
        if not (supplied or self.evictions):
            return Revocations()
        every = {root_id(each.certificate): each for each in (*signing, *self._former.values())}
        return revocation.revocations(
            tuple(every.values()),
            self.issued.live(now),
            self.evictions.as_json(),
            supplied=supplied,
            now=now,
        )
