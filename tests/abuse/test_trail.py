"""Every attempt leaves a line that says who, what and why; so does what was allowed, if wished."""

import json
from typing import Any

import pytest

from tests.abuse import wire
from tests.abuse.conftest import Target
from tests.mesh.running import eventually

pytestmark = [pytest.mark.envoy, pytest.mark.root]


def lines(target: Target, path: str) -> list[dict[str, Any]]:
    done = target.mesh.lateen(
        "audit", "--mesh", target.mesh.name, "--action", "request", "-o", "json"
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [line for line in found if line["object"].endswith(path)]


def test_refused_and_allowed_requests_are_told_with_their_policies(target: Target) -> None:
    assert wire.plain(target.gateway, wire.get("/admin/trail")).status == 403
    assert wire.plain(target.gateway, wire.get("/allowed/trail?token=hidden")).status == 200

    refused = eventually(lambda: lines(target, "/admin/trail"), bool)
    allowed = eventually(
        lambda: [x for x in lines(target, "/allowed/trail") if "reviews" in x["detail"]["pod"]],
        bool,
    )

    assert {line["decision"] for line in refused} >= {"refused"}
    told = next(line for line in refused if line["decision"] == "refused")
    assert told["reason"] == "policy ns[app]-policy[forbidden]-rule[0]"
    assert allowed[0]["decision"] == "accepted"
    assert allowed[0]["reason"] == "policy ns[app]-policy[callers]-rule[0]"
    assert allowed[0]["actor"] == "spiffe://cluster.local/ns/istio-ingress/sa/ingressgateway"
    assert "hidden" not in json.dumps(allowed)
