"""What the proxies' policies decided, from the file that each Envoy writes into the audit trail.

    pods/<namespace>.<pod>/decisions.jsonl  --lines--> Event --> the mesh's trail of decisions

A file that has grown is set aside and Envoy begins another, so that neither a flood of refusals nor
a long life fills the disk. Lines are untrusted: what is no line is counted, never raised.
"""

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from lateen.audit.event import Action, Decision, Event, Recorder
from lateen.envoy.admin import Admin, AdminError

log = logging.getLogger(__name__)

FILE = "decisions.jsonl"  # in the pod's folder, where its Envoy runs
SET_ASIDE = "decisions.old.jsonl"
POLL_SECONDS = 0.5
SLICE_BYTES = 1024 * 1024  # read of one file in one turn
LARGEST_FILE = 8 * 1024 * 1024
LONGEST_LINE = 64 * 1024
RBAC = re.compile(r"rbac_access_denied_matched_policy\[(.*)\]")
NO_POLICY = "none"  # an ALLOW policy exists, and none allows this
REFUSALS = {
    "jwt_authn_access_denied": "token",
    "ext_authz_denied": "external authorizer",
    "ext_authz_error": "external authorizer",
}
DRY_RUNS = ("istio_dry_run_deny_", "istio_dry_run_allow_")


class DecisionCollector:
    """Owns how far each pod's file was read."""

    def __init__(self, pods: Path, recorder: Recorder) -> None:
        self._pods = pods
        self._recorder = recorder
        self._read: dict[Path, int] = {}
        self.unreadable = 0

    async def run(self) -> None:
        while True:  # as long as the mesh runs
            for path in sorted(self._pods.glob(f"*/{FILE}")):
                self._take(path)
                if self._read.get(path, 0) > LARGEST_FILE:
                    await asyncio.to_thread(self._rotate, path)
            await asyncio.sleep(POLL_SECONDS)

    def finish(self, folder: Path) -> None:
        """The pod is over and its folder about to go."""
        path = folder / FILE
        while self._take(path):
            pass
        self._read.pop(path, None)

    def _take(self, path: Path) -> bool:
        """Reads what is new, up to a slice; whether there was any."""
        begin = self._read.get(path, 0)
        try:
            with open(path, "rb") as content:
                content.seek(begin)
                text = content.read(SLICE_BYTES)
        except OSError:
            return False
        end = text.rfind(b"\n") + 1
        if not end and len(text) > LONGEST_LINE:  # nothing that Envoy writes
            end = len(text)
        self._read[path] = begin + end
        for line in text[:end].splitlines():
            self._record(path.parent.name, line)
        return bool(end)

    def _record(self, pod: str, line: bytes) -> None:
        try:
            found = json.loads(line)
            events = list(events_of(pod, found))
        except (ValueError, TypeError, AttributeError, RecursionError):
            self.unreadable += 1
            return
        for event in events:
            self._recorder.record(event)

    def _rotate(self, path: Path) -> None:
        """In a thread: asks Envoy to begin another file, then reads the rest of this one."""
        aside = path.with_name(SET_ASIDE)
        try:
            path.rename(aside)
            Admin(str(path.with_name("admin.sock"))).call("POST", "/reopen_logs")
        except (OSError, AdminError) as trouble:
            log.warning("decisions of %s not set aside: %s", path.parent.name, trouble)
            if aside.exists() and not path.exists():
                aside.rename(path)
            return
        self._read[aside] = self._read.pop(path)
        while self._take(aside):
            pass
        self._read.pop(aside, None)
        with contextlib.suppress(OSError):
            aside.unlink()


def events_of(pod: str, line: Mapping[str, Any]) -> Iterator[Event]:
    """The verdicts of one request or connection. `pod` is `<namespace>.<name>`."""
    refusal = _refusal(line)
    verdicts = line.get("verdicts") or {}
    if refusal:
        yield _event(pod, line, Decision.REFUSED, refusal)
    elif verdicts.get("enforced_engine_result") == "allowed":
        policy = verdicts.get("enforced_effective_policy_id")
        reason = f"policy {policy}" if policy else "no policy refuses it"
        yield _event(pod, line, Decision.ACCEPTED, reason)
    for prefix in DRY_RUNS:
        if verdicts.get(f"{prefix}shadow_engine_result") == "denied":
            policy = verdicts.get(f"{prefix}shadow_effective_policy_id") or NO_POLICY
            yield _event(pod, line, Decision.WOULD_REFUSE, f"policy {policy}")
    if line.get("audited") is True or line.get("audited") == "true":
        yield _event(pod, line, Decision.AUDITED, "an AUDIT policy matches")


def _refusal(line: Mapping[str, Any]) -> str:
    """By what it was refused; empty: it was not."""
    for text in (str(line.get("details") or ""), str(line.get("termination") or "")):
        matched = RBAC.search(text)
        if matched:
            return f"policy {matched[1]}"
        for begin, judge in REFUSALS.items():
            if text.startswith(begin):
                return f"{judge}: {text}"
    return ""


def _event(pod: str, line: Mapping[str, Any], decision: Decision, reason: str) -> Event:
    def value(name: str) -> str:
        return str(line.get(name) or "")

    what = f"{value('method')} {value('authority')}{value('path')}".strip()
    namespace, _, name = pod.partition(".")
    return Event(
        Action.REQUEST,
        decision,
        object=what or f"connection to {value('destination')}",
        actor=value("source"),
        proof="certificate" if value("source") else "",
        peer=value("peer"),
        reason=reason,
        correlation=value("request_id"),
        detail={"pod": f"{name}.{namespace}", "code": value("code"), "to": value("destination")},
        time=_seconds(value("time")),
    )


def _seconds(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()
