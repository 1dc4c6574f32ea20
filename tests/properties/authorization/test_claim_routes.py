"""Routes that go by claims: the real Envoy chooses among them by what a verified token says."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from lateen.api.virtual_service import HTTPMatchRequest, StringMatch
from lateen.envoy import messages
from lateen.translate.routes.match import route_match
from tests.properties.authorization.enforcing import enforcing, port_of, routing_listener
from tests.properties.authorization.test_tokens import FAR, ISSUER, Signer

pytestmark = pytest.mark.envoy

ELSE = 299


def by_claim(name: str, wanted: StringMatch, *, absent: bool = False) -> Any:
    headers = {f"@request.auth.claims{name}": wanted}
    match = (
        HTTPMatchRequest(without_headers=headers) if absent else HTTPMatchRequest(headers=headers)
    )
    return messages.to_json(route_match(match))


MATCHES = (
    by_claim(".sub", StringMatch(exact="alice")),
    by_claim("[nested][role]", StringMatch(prefix="own")),
    by_claim(".groups", StringMatch(exact="admin")),
    by_claim("[https://a.example.com/tier]", StringMatch(exact="gold")),
)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, Signer]]:
    signer = Signer()
    keys = json.dumps({"keys": signer.keys})
    statuses = [*((match, 210 + index) for index, match in enumerate(MATCHES)), (None, ELSE)]
    listener = routing_listener([{"issuer": ISSUER, "jwks": keys}], statuses)
    with enforcing(listener):
        yield port_of(listener), signer


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"sub": "alice"}, 210),
        ({"sub": "bob", "nested": {"role": "owner"}}, 211),
        ({"sub": "bob", "nested": {"role": "guest"}}, ELSE),
        ({"sub": "bob", "nested": "owner"}, ELSE),
        ({"sub": "bob", "groups": ["dev", "admin"]}, 212),
        ({"sub": "bob", "groups": "admin"}, 212),
        ({"sub": "bob", "https://a.example.com/tier": "gold"}, 213),
        ({"sub": "bob"}, ELSE),
    ],
)
def test_the_route_goes_by_the_claims(
    server: tuple[int, Signer], claims: dict[str, Any], status: int
) -> None:
    port, signer = server

    assert asked(port, {"authorization": f"Bearer {signer.token(exp=FAR, **claims)}"}) == status


def test_headers_of_that_name_are_no_claims(server: tuple[int, Signer]) -> None:
    port, _ = server

    assert asked(port, {"request.auth.claims.sub": "alice", "sub": "alice"}) == ELSE
    assert asked(port, {}) == ELSE


def asked(port: int, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status
