"""The mesh's certificate authority: what signs now, what is trusted, and how both change.

    signer offered -> its roots trusted -> known to every proxy -> it signs -> others retire -> go

Owns the folder's state; what was issued is with `leaves`. All changes happen in the event loop's
thread and are on disk before anybody hears of them. What signs may be an own root, a
plugged-in set of files or a server elsewhere; a set of files that is wrong, or a server that does
not answer, leaves the last good one in force.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from lateen.base.clock import Clock
from lateen.base.private_files import write_private
from lateen.ca import (
    adoption,
    control_plane_root,
    in_force,
    plugged_in,
    rotation,
    trusted_roots,
)
from lateen.ca.authority import Authority, pem
from lateen.ca.errors import AuthorityError
from lateen.ca.leaves import Leaves
from lateen.ca.own_roots import OwnRoots
from lateen.ca.revocation import Revocations
from lateen.ca.rotation import StepRefused
from lateen.ca.settings import AuthoritySettings
from lateen.ca.signer import (
    LeafRequest,
    LocalSigner,
    SignedLeaf,
    Signer,
    checked,
    root_ids,
)
from lateen.ca.trusted_roots import OWN, TrustedRoot, TrustState, root_id

log = logging.getLogger(__name__)

BUNDLE = "trust-bundle.pem"  # what agents check the control plane with
PLUGGED_IN = "plugged-in"
CHECK_SECONDS = 300.0  # at least so often schedule and signer are looked at
SOONEST_SECONDS = 0.2


class CertificateAuthority:
    """See the module. `changed` is called after any change of roots, signer or evictions."""

    def __init__(
        self,
        folder: Path,
        settings: AuthoritySettings,
        *,
        clock: Clock,
        external: Signer | None = None,
        changed: Callable[[], None] = lambda: None,
        unaware: Callable[[], Iterable[str] | None] = lambda: None,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.told: Callable[[], str] = lambda: self.bundle  # roots that go with a leaf, PEM
        self.changed = changed
        self.unaware = unaware
        self._clock = clock
        self._external = external
        self._own = OwnRoots(
            folder,
            trust_domain=settings.trust_domain,
            protection=settings.protection,
            root_seconds=settings.root_seconds,
        )
        now = clock()
        self.state = trusted_roots.read(folder) or TrustState()
        self._own.sweep(self.state)
        self.leaves = Leaves(folder, now=now)
        self.trouble = ""  # why the signer that is offered is not in force
        self._authorities: dict[str, Authority] = {}  # own roots, whose keys are here
        self._open_keys()
        self._plugged: plugged_in.PluggedIn | None = None  # the last set that was read
        self._in_force: LocalSigner | None = None  # the plugged-in one that signs
        self._revoked = False  # whether there were lists the last time
        self._waiting: Signer | None = None  # its roots are not known to every proxy yet
        self._refreshed = 0.0
        self._wake = asyncio.Event()
        self._control_plane: Authority | None = None  # signs its certificate where nothing else can
        self.signer: Signer = self._first_signer()
        self._publish()

    # what is in force

    @property
    def plugged_in_folder(self) -> Path:
        return self.settings.plugged_in or self.folder

    @property
    def roots(self) -> tuple[TrustedRoot, ...]:
        """All that are trusted, those of the signer in force first."""
        return tuple(sorted(self.state.roots, key=lambda root: (root.retired > 0, root.since)))

    @property
    def bundle(self) -> str:
        """The same as PEM: what workloads check each other with."""
        return "".join(root.certificate for root in self.roots)

    @property
    def server_bundle(self) -> str:
        """What agents check the control plane with: the same, and whoever signs its certificate."""
        local = "".join(map(pem, self.local.roots))
        return self.bundle if local in self.bundle else self.bundle + local

    @property
    def local(self) -> Authority:
        """What signs here, the control plane's own certificate above all."""
        if isinstance(self.signer, LocalSigner):
            return self.signer.authority
        assert self._control_plane is not None, "made where a server elsewhere signs"
        return self._control_plane

    @property
    def revocations(self) -> Revocations:
        """Empty when nothing is revoked, or when the lists would not cover every issuer."""
        supplied = self._plugged.revoked if self._plugged is not None else ""
        if not isinstance(self.signer, LocalSigner):
            return Revocations()
        own = (each for id_, each in self._authorities.items() if self.state.find(id_))
        return self.leaves.revocations((self.local, *own), supplied=supplied, now=self._clock())

    # leaves

    async def sign(self, request: LeafRequest) -> SignedLeaf:
        """The leaf, recorded before it is handed out."""
        self.leaves.check_admitted(request.identity)
        signer = self.signer
        leaf = await signer.sign(request)
        if not isinstance(signer, LocalSigner):
            checked(leaf, request)
            self.leaves.check_admitted(request.identity)  # it may have been evicted meanwhile
            self._trust_at_once(leaf, signer)
        self._record(leaf, request)
        return leaf

    def _record(self, leaf: SignedLeaf, request: LeafRequest) -> None:
        ends = leaf.certificate.not_valid_after_utc.timestamp()
        ids = root_ids(leaf)
        self._keep(trusted_roots.with_leaf(self.state, ids, now=request.now, ends=ends))
        self.leaves.record(request.identity, leaf, now=request.now)

    def _trust_at_once(self, leaf: SignedLeaf, signer: Signer) -> None:
        """A server elsewhere signs below a root that it did not name before."""
        known = {root.id for root in self.state.roots}
        strange = [root for root in leaf.roots if root_id(root) not in known]
        if strange:
            log.warning("the signer uses a new root", extra={"signer": signer.name})
            self._keep(
                trusted_roots.trusted(self.state, strange, source=signer.name, now=self._clock())
            )
            self.changed()

    # what is to sign

    def _first_signer(self) -> Signer:
        """At the start. What signed last goes on if what is offered cannot sign yet."""
        now = self._clock()
        if self._external is not None:
            self._control_plane = control_plane_root.authority(self.folder, self.settings, now=now)
            last = self._last_signer(now)
            if last is None or self.state.leaves_end <= now:
                return self._activated(self._external)
            self._waiting = self._external
            return last
        if plugged_in.is_present(self.plugged_in_folder):
            return self._first_plugged_in(now)
        self.state = self._own.load_or_create(now=now)
        self._open_keys()
        ours = {root.id for root in self.state.roots if root.source == OWN and not root.retired}
        self._keep(rotation.retired_except(self.state, ours, now))
        return self._own_signer()

    def _first_plugged_in(self, now: float) -> Signer:
        last = self._last_signer(now)
        try:
            self._plugged = self._read_plugged_in()
        except AuthorityError as wrong:
            if last is None:
                raise
            self._not_in_force(str(wrong))
            return last
        signer = LocalSigner(self._plugged.authority, PLUGGED_IN)
        if last is None:
            self._trust(signer)
            return self._activated(signer)
        self.signer = last
        self._offer(signer)
        return self.signer

    def _last_signer(self, now: float) -> LocalSigner | None:
        if self.state.signing in self._authorities:
            return self._own_signer()
        kept = in_force.find(self.folder, self.settings.protection, now=now)
        return None if kept is None else LocalSigner(kept, PLUGGED_IN)

    def reload(self) -> None:
        """Looks at the plugged-in files again; a set that is wrong leaves the last one in force."""
        if self._external is not None:
            return
        if not plugged_in.is_present(self.plugged_in_folder):
            if self._plugged is not None:
                self._not_in_force("the plugged-in files are gone; the last set stays in force")
            return
        try:
            found = self._read_plugged_in()
        except AuthorityError as wrong:
            self._not_in_force(str(wrong))
            return
        self.trouble = ""
        if found != self._plugged:
            self._plugged = found
            self._offer(LocalSigner(found.authority, PLUGGED_IN))
            self._publish()
            self.changed()

    async def refresh(self) -> None:
        """Asks a server elsewhere for its roots; they are trusted from then on."""
        if self._external is None:
            return
        self._refreshed = self._clock()
        try:
            roots = await self._external.roots()
        except AuthorityError as trouble:
            self._not_in_force(str(trouble))
            return
        self.trouble = ""
        before = self.state
        state = trusted_roots.trusted(
            self.state, roots, source=self._external.name, now=self._clock()
        )
        if self.signer is self._external:
            kept = {root_id(root) for root in roots}
            state = rotation.retired_except(state, kept, self._clock())
        self._keep(state)
        if self.state != before:
            self._publish()
            self.changed()

    def _read_plugged_in(self) -> plugged_in.PluggedIn:
        return plugged_in.load(
            self.plugged_in_folder, now=self._clock(), protection=self.settings.protection
        )

    def _own_signer(self) -> LocalSigner:
        return LocalSigner(self._authorities[self.state.signing], OWN)

    def _offer(self, signer: LocalSigner) -> None:
        """Makes it sign, now or when every proxy knows its roots."""
        self._trust(signer)
        self._waiting = signer
        if adoption.is_adopted(self.state, signer, self._clock()):
            self.signer = self._activated(signer)
            return
        latest = adoption.adopted_at(self.state, signer) or 0.0
        log.warning(
            "new signer waits until every proxy trusts its root",
            extra={"until": rotation.moment(latest)},
        )

    def _trust(self, signer: LocalSigner) -> None:
        self._keep(
            trusted_roots.trusted(
                self.state, signer.authority.roots, source=signer.name, now=self._clock()
            )
        )

    def _activated(self, signer: Signer) -> Signer:
        """It takes over; roots that are not its own go when their leaves end."""
        self._waiting = None
        if self._in_force is not None:
            self.leaves.keep_former(self._in_force.authority)
        if isinstance(signer, LocalSigner):
            self._in_force = signer
            in_force.keep(self.folder, signer.authority, self.settings.protection)
            ids = {root_id(root) for root in signer.authority.roots}
        else:
            self._in_force = None
            in_force.forget(self.folder)
            ids = {root.id for root in adoption.needed(self.state, signer)}
        state = rotation.retired_except(self.state, ids, self._clock())
        self._keep(msgspec.structs.replace(state, signing="", automatic=True))
        log.info("signer in force", extra={"signer": signer.name, "roots": sorted(ids)})
        return signer

    def _not_in_force(self, trouble: str) -> None:
        if trouble != self.trouble:
            log.error("authority not reloaded", extra={"reason": trouble})
        self.trouble = trouble

    # rotation

    def add(self, *, automatic: bool = False) -> TrustedRoot:
        """A new own root, trusted from now on."""
        self._require_own()
        rotation.check_add(self.state)
        now = self._clock()
        certificate = self._own.make(now=now)
        state = trusted_roots.trusted(self.state, (certificate,), source=OWN, now=now)
        self._keep(msgspec.structs.replace(state, automatic=automatic))
        self._open_keys()
        self._publish()
        self.changed()
        added = self.state.find(root_id(certificate))
        assert added is not None
        return added

    def switch(self, *, force: bool = False) -> TrustedRoot:
        """The root, or the plugged-in set, that waits signs from now on."""
        waiting = self._waiting
        if waiting is not None:
            needed = adoption.needed(self.state, waiting)
            if not needed:
                raise StepRefused(f"{waiting.name} has not named its roots yet")
            self._check_adopted(needed, force)
            self.signer = self._activated(waiting)
            self._publish()
            self.changed()
            return needed[0]
        self._require_own()
        found = rotation.successor(self.state)
        if found is None:
            raise StepRefused("no root waits to sign; add one first: lateen ca rotate add")
        self._check_adopted((found,), force)
        return self._switch_to(found)

    def _switch_to(self, root: TrustedRoot) -> TrustedRoot:
        state = rotation.retired_except(self.state, (root.id,), self._clock())
        self._keep(msgspec.structs.replace(state, signing=root.id))
        self.signer = self._own_signer()
        self._publish()
        self.changed()
        return root

    def remove(self, wanted: str, *, force: bool = False) -> TrustedRoot:
        """The root is trusted no more; its key, if it is ours, is destroyed."""
        found = rotation.removable(self.state, wanted)
        rotation.check_remove(self.state, found, now=self._clock(), force=force)
        self._remove(found)
        self._publish()
        self.changed()
        return found

    def _remove(self, root: TrustedRoot) -> None:
        kept = tuple(known for known in self.state.roots if known.id != root.id)
        self._keep(msgspec.structs.replace(self.state, roots=kept))
        self._authorities.pop(root.id, None)
        self._own.destroy(root.id)
        self.leaves.issued.forget(root.id)
        log.info("root trusted no more", extra={"root": root.id})

    def _check_adopted(self, roots: Iterable[TrustedRoot], force: bool) -> None:
        if not force:
            rotation.check_adopted(roots, now=self._clock(), unaware=self.unaware())

    def _require_own(self) -> None:
        if self.signer.name != OWN:
            raise StepRefused(
                f"an own root does not sign here, {self.signer.name} does; rotate its root there"
            )

    # eviction

    def evict(self, identity: str) -> float:
        """No certificate from now on. Returns when the last of its certificates ends."""
        ends = self.leaves.evict(identity, now=self._clock())
        self.changed()
        return ends

    def readmit(self, identity: str) -> None:
        self.leaves.evictions.remove(identity)
        self.changed()

    # by itself

    async def run(self) -> None:
        """Carries out what is due, for ever."""
        while True:
            if self._clock() - self._refreshed >= CHECK_SECONDS:
                await self.refresh()
            self.carry_out()
            self._wake.clear()
            due = self.next_due()
            wait = CHECK_SECONDS if due is None else due - self._clock()
            try:
                async with asyncio.timeout(min(max(wait, SOONEST_SECONDS), CHECK_SECONDS)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def carry_out(self) -> None:
        """Everything that is due by now."""
        now, before = self._clock(), (self.state, self.signer)
        if self._waiting is not None and adoption.is_adopted(self.state, self._waiting, now):
            self.signer = self._activated(self._waiting)
        if self.signer.name == OWN:
            self._carry_out_rotation(now)
        for root in self.state.roots:
            if rotation.is_over(self.state, root, now):
                self._remove(root)
        if (self.state, self.signer) != before or self._has_other_lists(now):
            self._publish()
            self.changed()

    def _has_other_lists(self, now: float) -> bool:
        """Leaves of an issuer whose key is gone have ended: now lists cover all, or the reverse."""
        self.leaves.forget_former(now)
        before, self._revoked = self._revoked, bool(self.revocations.lists)
        return before != self._revoked

    def _carry_out_rotation(self, now: float) -> None:
        step = rotation.next_step(self.state, self.settings.schedule)
        if step is None or step.at > now:
            return
        if step.name == "add":
            log.info("the root is old; the next one is added")
            self.add(automatic=True)
        elif step.name == "switch" and (found := self.state.find(step.root)) is not None:
            self._switch_to(found)

    def next_due(self) -> float | None:
        """When something is due next, in seconds since 1970."""
        times = [
            root.leaves_end for root in self.state.roots if root.retired and root.source != OWN
        ]
        if self._waiting is not None:
            at = adoption.adopted_at(self.state, self._waiting)
            times += () if at is None else (at,)
        step = rotation.next_step(self.state, self.settings.schedule)
        if step is not None and self.signer.name == OWN:
            times.append(step.at)
        return min(times, default=None)

    # state

    def _keep(self, state: TrustState) -> None:
        if state != self.state:
            trusted_roots.write(self.folder, state)
            self.state = state
            self._wake.set()

    def _publish(self) -> None:
        write_private(self.folder / BUNDLE, self.server_bundle.encode())

    def _open_keys(self) -> None:
        for root in self.state.roots:
            if root.source == OWN and root.id not in self._authorities:
                self._authorities[root.id] = self._own.authority(root)

    @property
    def waiting(self) -> tuple[TrustedRoot, ...]:
        """Roots of the signer that is to sign next."""
        if self._waiting is not None:
            return adoption.needed(self.state, self._waiting)
        found = rotation.successor(self.state)
        return (found,) if found is not None and self.signer.name == OWN else ()
