"""What `lateen ca` asks of a running authority, and what it is answered. All data is JSON.

status                     signer, roots, stage, what comes next, evictions
add, switch, remove        the three stages of a root's change
evict, readmit             an identity
"""

from collections.abc import Callable, Mapping
from typing import Any

from lateen.ca import rotation
from lateen.ca.certificate_authority import CertificateAuthority
from lateen.ca.errors import AuthorityError
from lateen.ca.trusted_roots import OWN, TrustedRoot
from lateen.identity import spiffe
from lateen.identity.errors import IdentityError


class Administration:
    """`unaware` are the connected proxies that have not confirmed the bundle of this moment;
    `disconnect` ends the streams of an identity and returns how many there were."""

    def __init__(
        self,
        authority: CertificateAuthority,
        *,
        clock: Callable[[], float],
        unaware: Callable[[], list[str]],
        disconnect: Callable[[str], int],
    ) -> None:
        self._authority = authority
        self._clock = clock
        self._unaware = unaware
        self._disconnect = disconnect

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AuthorityError, whose text is for the user, if it cannot be done."""
        commands: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "status": lambda _: self.status(),
            "add": self._add,
            "switch": self._switch,
            "remove": self._remove,
            "evict": self._evict,
            "readmit": self._readmit,
        }
        command = commands.get(str(request.get("command")))
        if command is None:
            raise AuthorityError(f"there is no command {str(request.get('command'))[:100]!r}")
        return command(request)

    def status(self) -> dict[str, Any]:
        authority, now = self._authority, self._clock()
        waiting = {root.id for root in authority.waiting}
        steps = rotation.next_step(authority.state, authority.settings.schedule)
        return {
            "signer": authority.signer.name,
            "trust_domain": authority.settings.trust_domain,
            "trouble": authority.trouble,
            "keys_encrypted": authority.settings.protection.seals,
            "roots": [
                self._root(root, is_waiting=root.id in waiting, now=now) for root in authority.roots
            ],
            "automatic": authority.state.automatic,
            "next": (
                {"step": steps.name, "root": steps.root, "at": rotation.moment(steps.at)}
                if steps is not None and authority.signer.name == OWN
                else None
            ),
            "unaware": self._unaware(),
            "live_certificates": sum(1 for _ in authority.leaves.issued.live(now)),
            "revocation_lists": bool(authority.revocations.lists),
            "evicted": {
                identity: rotation.moment(since)
                for identity, since in authority.leaves.evictions.as_json().items()
            },
        }

    def _root(self, root: TrustedRoot, *, is_waiting: bool, now: float) -> dict[str, Any]:
        certificate = root.loaded
        role = "retired" if root.retired else "waiting" if is_waiting else "signs"
        return {
            "id": root.id,
            "subject": certificate.subject.rfc4514_string(),
            "source": root.source,
            "role": role,
            "begins": rotation.moment(certificate.not_valid_before_utc.timestamp()),
            "ends": rotation.moment(certificate.not_valid_after_utc.timestamp()),
            "trusted_since": rotation.moment(root.since),
            "known_to_all_at": (
                rotation.moment(root.adopted) if is_waiting and root.adopted > now else ""
            ),
            "leaves_end": rotation.moment(root.leaves_end) if root.leaves_end > now else "",
        }

    def _add(self, request: Mapping[str, Any]) -> dict[str, Any]:
        added = self._authority.add(automatic=bool(request.get("automatic")))
        return {"root": added.id, "known_to_all_at": rotation.moment(added.adopted)}

    def _switch(self, request: Mapping[str, Any]) -> dict[str, Any]:
        root = self._authority.switch(force=bool(request.get("force")))
        ends = max((each.leaves_end for each in self._authority.roots if each.retired), default=0.0)
        return {"root": root.id, "old_leaves_end": rotation.moment(ends)}

    def _remove(self, request: Mapping[str, Any]) -> dict[str, Any]:
        root = self._authority.remove(
            str(request.get("root", "")), force=bool(request.get("force"))
        )
        return {"root": root.id}

    def _evict(self, request: Mapping[str, Any]) -> dict[str, Any]:
        identity = self._identity(request)
        ends = self._authority.evict(identity)
        return {
            "identity": identity,
            "disconnected": self._disconnect(identity),
            "certificates_end": rotation.moment(ends),
            "revoked": bool(self._authority.revocations.lists),
        }

    def _readmit(self, request: Mapping[str, Any]) -> dict[str, Any]:
        identity = self._identity(request)
        self._authority.readmit(identity)
        return {"identity": identity}

    def _identity(self, request: Mapping[str, Any]) -> str:
        """A SPIFFE id, or `NAMESPACE/ACCOUNT` of the own trust domain."""
        text = str(request.get("identity", ""))
        try:
            if text.startswith("spiffe://"):
                return str(spiffe.parse(text))
            namespace, _, account = text.partition("/")
            return str(
                spiffe.of(
                    trust_domain=self._authority.settings.trust_domain,
                    namespace=namespace,
                    service_account=account,
                )
            )
        except IdentityError as wrong:
            raise AuthorityError(
                f"{wrong}; name an identity as spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT "
                "or NAMESPACE/ACCOUNT"
            ) from wrong
