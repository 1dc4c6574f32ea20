"""The control plane's audit trail, if it keeps one: opened with it, closed with it, measured."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lateen.audit.errors import AuditError
from lateen.audit.event import Event
from lateen.audit.key import read_key
from lateen.audit.trail import Retention, Trail
from lateen.base.clock import Clock
from lateen.base.metrics import Registry


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """`folder` None: no trail. `key_file` holds the secret of the chain's HMAC."""

    folder: Path | None = None
    key_file: Path | None = None
    retention: Retention = field(default_factory=Retention)


class AuditOutput:
    """A `Recorder`. Takes events and forgets them when no trail is kept."""

    def __init__(self, settings: AuditSettings, *, clock: Clock, metrics: Registry) -> None:
        self._trail: Trail | None = None
        if settings.folder is not None:
            key = read_key(settings.key_file) if settings.key_file is not None else b""
            self._trail = Trail(settings.folder, clock=clock, key=key, retention=settings.retention)
        metrics.read_gauge(
            "lateen_audit_dropped", "Audit events that got no line.", lambda: self._read().dropped
        )
        metrics.read_gauge(
            "lateen_audit_written", "Audit lines written.", lambda: self._read().written
        )

    def open(self) -> None:
        """AuditError when the folder cannot be written: nothing is served without its trail."""
        if self._trail is None:
            return
        try:
            self._trail.open()
        except OSError as trouble:
            raise AuditError(
                f"cannot keep the audit trail in {self._trail.folder}: {trouble.strerror}"
            ) from trouble

    def record(self, event: Event) -> None:
        if self._trail is not None:
            self._trail.record(event)

    def record_all(self, events: Iterable[Event]) -> None:
        if self._trail is not None:
            self._trail.record_all(events)

    def close(self) -> None:
        if self._trail is not None:
            self._trail.close()

    def _read(self) -> "Trail | _Nothing":
        return self._trail or _Nothing()


@dataclass(frozen=True, slots=True)
class _Nothing:
    dropped: int = 0
    written: int = 0
