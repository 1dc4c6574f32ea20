"""The line that becomes of an event, and the chain of hashes through all lines.

    {"time":"2026-11-25T10:00:00.000Z","sequence":7,"action":...,"previous":"<hash of line 6>",
     "hash":"<of this line without its hash>"}

The hash is SHA-256 of the line's bytes up to `,"hash":`, or HMAC-SHA-256 of them when the trail
has a key. Without a key the chain shows accidents and clumsy edits; who may write the files can
recompute it. With a key that only the control plane and the auditor have, they cannot.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import msgspec

from lateen.audit.event import LONGEST_TEXT, Event

START = ""  # what the first line of a trail names as its previous
MARK = b',"hash":"'
FIELDS = (
    "time", "sequence", "action", "decision", "object", "actor", "proof", "peer", "reason",
    "correlation", "detail", "previous",
)  # fmt: skip
_encoder = msgspec.json.Encoder()


class Line(msgspec.Struct, frozen=True):
    """A line as it is read back."""

    time: str
    sequence: int
    action: str
    decision: str
    object: str = ""
    actor: str = ""
    proof: str = ""
    peer: str = ""
    reason: str = ""
    correlation: str = ""
    detail: dict[str, str] = {}
    previous: str = ""
    hash: str = ""


def encode(event: Event, *, sequence: int, previous: str, key: bytes) -> tuple[bytes, str]:
    """The line with its newline, and its hash, which the next line names."""
    values: tuple[Any, ...] = (
        stamp(event.time), sequence, event.action, event.decision, _short(event.object),
        _short(event.actor), _short(event.proof), _short(event.peer), _short(event.reason),
        _short(event.correlation),
        {_short(name): _short(value) for name, value in event.detail.items()}, previous,
    )  # fmt: skip
    body = _encoder.encode(dict(zip(FIELDS, values, strict=True)))[:-1]
    digest = hash_of(body, key)
    return body + MARK + digest.encode() + b'"}\n', digest


def hash_of(body: bytes, key: bytes) -> str:
    if key:
        return hmac.new(key, body, hashlib.sha256).hexdigest()
    return hashlib.sha256(body).hexdigest()


def decode(raw: bytes) -> Line:
    """ValueError for what is no line."""
    return msgspec.json.decode(raw, type=Line)


def is_unchanged(raw: bytes, line: Line, key: bytes) -> bool:
    """Whether the line's hash is that of its bytes."""
    body, mark, rest = raw.rstrip(b"\n").rpartition(MARK)
    whole = rest == line.hash.encode() + b'"}'
    return bool(mark) and whole and hmac.compare_digest(hash_of(body, key), line.hash)


def stamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _short(text: str) -> str:
    """JSON escapes what could break the line; lone surrogates have no UTF-8."""
    return text[:LONGEST_TEXT].encode(errors="replace").decode()
