"""What discovery tells the audit trail: streams and secrets, accepted and refused."""

from typing import TYPE_CHECKING

from lateen.audit.event import Action, Decision, Event

if TYPE_CHECKING:
    from lateen.xds.stream import Stream
    from lateen.xds.transport.call import Call


def correlation(call: "Call") -> str:
    """The same for everything that happens in one call, its authentication too."""
    return f"{call.peer}/{call.id}"


def stream(of: "Stream", claimed: str, refusal: str = "") -> Event:
    """A proxy's first request. `claimed` is its node id, which proves nothing."""
    return Event(
        Action.STREAM,
        Decision.REFUSED if refusal else Decision.ACCEPTED,
        object=claimed,
        actor=of.identity,
        proof=_proof(of),
        peer=of.call.peer,
        reason=refusal,
        correlation=correlation(of.call),
    )


def secret(of: "Stream", name: str, refusal: str = "") -> Event:
    """A credential told or withheld: its name, never its content."""
    return Event(
        Action.SECRET,
        Decision.REFUSED if refusal else Decision.ACCEPTED,
        object=name,
        actor=of.identity,
        proof=_proof(of),
        peer=of.call.peer,
        reason=refusal,
        correlation=correlation(of.call),
        detail={"proxy": of.proxy.id if of.proxy is not None else ""},
    )


def _proof(of: "Stream") -> str:
    """How the identity was proven is in the authentication of the same correlation."""
    return "" if of.call.secure else "none: plaintext on loopback"
