"""Lines of Envoy become events of the trail; what is no line changes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lateen.audit.event import Event
from lateen.local.decisions import FILE, LONGEST_LINE, DecisionCollector, events_of

LINE: dict[str, Any] = {
    "time": "2026-11-25T10:00:00.250Z",
    "source": "spiffe://cluster.local/ns/app/sa/client",
    "peer": "10.0.0.1:5",
    "destination": "10.0.0.2:80",
    "method": "GET",
    "authority": "reviews",
    "path": "/x",
    "code": 403,
    "request_id": "r-1",
    "details": "via_upstream",
    "termination": None,
    "audited": None,
    "verdicts": None,
}
DRY = {
    "istio_dry_run_deny_shadow_engine_result": "denied",
    "istio_dry_run_deny_shadow_effective_policy_id": "ns[app]-policy[p]-rule[0]",
    "istio_dry_run_allow_shadow_engine_result": "denied",
}


class Kept:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        self.events.append(event)


@pytest.mark.parametrize(
    ("changed", "verdicts"),
    [
        ({}, []),
        (
            {"details": "rbac_access_denied_matched_policy[ns[app]-policy[p]-rule[0]]"},
            [("refused", "policy ns[app]-policy[p]-rule[0]")],
        ),
        ({"details": "rbac_access_denied_matched_policy[none]"}, [("refused", "policy none")]),
        (
            {"details": None, "termination": "rbac_access_denied_matched_policy[none]"},
            [("refused", "policy none")],
        ),
        (
            {"details": "jwt_authn_access_denied{Jwt_is_expired}"},
            [("refused", "token: jwt_authn_access_denied{Jwt_is_expired}")],
        ),
        ({"details": "ext_authz_denied"}, [("refused", "external authorizer: ext_authz_denied")]),
        (
            {"verdicts": {"enforced_engine_result": "allowed"}},
            [("accepted", "no policy refuses it")],
        ),
        (
            {
                "verdicts": {
                    "enforced_engine_result": "allowed",
                    "enforced_effective_policy_id": "ns[a]-policy[b]-rule[0]",
                }
            },
            [("accepted", "policy ns[a]-policy[b]-rule[0]")],
        ),
        (
            {"verdicts": DRY},
            [
                ("would-refuse", "policy ns[app]-policy[p]-rule[0]"),
                ("would-refuse", "policy none"),
            ],
        ),
        ({"audited": True}, [("audited", "an AUDIT policy matches")]),
    ],
)
def test_what_a_line_says(changed: dict[str, Any], verdicts: list[tuple[str, str]]) -> None:
    found = list(events_of("app.reviews-1", {**LINE, **changed}))
    assert [(str(event.decision), event.reason) for event in found] == verdicts
    for event in found:
        assert event.object == "GET reviews/x"
        assert event.actor == LINE["source"]
        assert event.correlation == "r-1"
        assert event.detail["pod"] == "reviews-1.app"
        assert event.time == 1795600800.25


def test_a_connection_is_named_by_its_destination() -> None:
    tcp = {key: LINE[key] for key in ("time", "source", "peer", "destination")}
    tcp["termination"] = "rbac_access_denied_matched_policy[none]"
    (event,) = events_of("app.db-1", tcp)
    assert event.object == "connection to 10.0.0.2:80"


def refusal(path: str) -> bytes:
    details = "rbac_access_denied_matched_policy[none]"
    return json.dumps({**LINE, "path": path, "details": details}).encode() + b"\n"


def test_only_whole_new_lines_are_taken(tmp_path: Path) -> None:
    folder = tmp_path / "app.reviews-1"
    folder.mkdir()
    kept = Kept()
    collector = DecisionCollector(tmp_path, kept)
    whole = refusal("/a") + b"no line\n" + refusal("/b") + refusal("/c")
    (folder / FILE).write_bytes(whole[:-10])
    collector.finish(folder)
    assert [event.object for event in kept.events] == ["GET reviews/a", "GET reviews/b"]
    assert collector.unreadable == 1


def test_a_line_without_end_is_not_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "app.reviews-1"
    folder.mkdir()
    kept = Kept()
    (folder / FILE).write_bytes(b"x" * (LONGEST_LINE + 1) + b"\n" + refusal("/a"))
    DecisionCollector(tmp_path, kept).finish(folder)
    assert [event.object for event in kept.events] == ["GET reviews/a"]


@given(st.binary(max_size=200))
def test_nonsense_is_counted(content: bytes) -> None:
    kept = Kept()
    collector = DecisionCollector(Path("/nowhere"), kept)
    collector._record("app.x", content)
    assert not kept.events
