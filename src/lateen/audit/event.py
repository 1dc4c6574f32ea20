"""One decision, as the code that takes it says it.

No event carries a secret: tokens, keys and the content of Secrets stay out of every field.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

LONGEST_TEXT = 1000  # characters of one field; names and reasons come from callers


class Action(StrEnum):
    """What was decided on. The set is part of the schema: members are added, never renamed."""

    AUTHENTICATE = "authenticate"  # a caller of the control plane proves who it is
    STREAM = "xds.stream"  # a proxy asks to be configured
    SECRET = "secret.deliver"  # a credential for a proxy
    CERTIFICATE = "certificate.issue"
    JOIN_TOKEN = "token.issue"
    CONFIGURATION = "configuration.apply"
    CONFIGURATION_DELETED = "configuration.delete"
    ADMIN = "admin.request"
    REQUEST = "request"  # the data plane: a request or connection that a policy judged
    TRAIL_OPENED = "audit.open"
    TRAIL_DROPPED = "audit.drop"  # events that there was no room for, or that failed to be written
    TRAIL_EXPIRED = "audit.expire"  # the oldest file was removed by retention
    TRAIL_MENDED = "audit.mend"  # the last line was torn by a crash and cut off


class Decision(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WOULD_REFUSE = "would-refuse"  # by a dry run
    AUDITED = "audited"  # matched by a policy that only records
    NOTED = "noted"  # nothing was decided: the trail speaks of itself


@dataclass(frozen=True, slots=True)
class Event:
    """`detail` holds what only some actions have; docs/security/audit.md lists the keys."""

    action: Action
    decision: Decision
    object: str = ""  # what it is about: an identity, a resource, a path
    actor: str = ""  # the proven identity; empty: nobody was proven
    proof: str = ""  # how: certificate, token <issuer>, join-token, unix uid=0 pid=12, ...
    peer: str = ""  # address and port
    reason: str = ""
    correlation: str = ""  # the same for all events of one call
    detail: Mapping[str, str] = field(default_factory=dict)
    time: float = 0.0  # seconds since 1970; 0: when the trail takes it


class Recorder(Protocol):
    def record(self, event: Event) -> None:
        """Takes the event without waiting. Never raises."""


class NoRecorder:
    """For parts that run without a trail, such as tools."""

    def record(self, event: Event) -> None:
        return None


NO_RECORDER = NoRecorder()
