"""Whatever an object holds, the audit trail is told of it."""

import re

from lateen.api.resource import Change
from lateen.config.documents import read
from lateen.control.records import applied

PORTS = """
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: reviews, namespace: app}
spec:
  selector: {matchLabels: {app: reviews}}
  portLevelMtls: {8080: {mode: DISABLE}, 9000: {mode: STRICT}}
"""


def digest(text: str) -> str:
    (resource,) = read(text).resources
    (event,) = applied([Change(resource.key, resource)])
    return event.detail["sha256"]


def test_objects_whose_maps_go_by_port_are_told_of() -> None:
    assert re.fullmatch("[0-9a-f]{64}", digest(PORTS))


def test_the_digest_goes_by_what_the_object_says_not_by_how_it_is_written() -> None:
    turned = PORTS.replace(
        "{8080: {mode: DISABLE}, 9000: {mode: STRICT}}",
        "{9000: {mode: STRICT}, 8080: {mode: DISABLE}}",
    )

    assert digest(turned) == digest(PORTS)
    assert digest(PORTS.replace("DISABLE", "PERMISSIVE")) != digest(PORTS)
