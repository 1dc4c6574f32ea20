"""Session persistence: requests of one session keep to the endpoint that served the first.

    label istio.io/persistent-session: NAME[:/path]       the endpoint's address in a cookie
    label istio.io/persistent-session-header: NAME        the same in a header

The label is the Service's or ServiceEntry's. Istio honours it behind a switch of its control plane;
here the label alone is enough. Endpoints that are about to end keep their sessions.
"""

from functools import cache
from typing import Any

from lateen.catalog.service import PERSISTENT_SESSION, PERSISTENT_SESSION_HEADER, Service
from lateen.envoy import messages, types
from lateen.translate.filters import http

FILTER = http.STATEFUL_SESSION
COOKIE, HEADER = "envoy.http.stateful_session.cookie", "envoy.http.stateful_session.header"
WHOLE_SITE = "/"


def keep_session(route: Any, service: Service | None) -> None:
    """Switches persistence on where the service asks for it; the first one of a route counts."""
    if service is None or FILTER in route.typed_per_filter_config:
        return
    labels = dict(service.labels)
    cookie, header = labels.get(PERSISTENT_SESSION, ""), labels.get(PERSISTENT_SESSION_HEADER, "")
    if cookie or header:
        route.typed_per_filter_config[FILTER].CopyFrom(_per_route(cookie, header))


@cache
def _per_route(cookie: str, header: str) -> Any:
    made = types.StatefulSessionPerRoute()
    state = made.stateful_session.session_state
    if cookie:
        name, _, path = cookie.partition(":")
        kept = types.CookieBasedSessionState()
        kept.cookie.name = name
        kept.cookie.path = path or WHOLE_SITE
        state.name = COOKIE
        state.typed_config.CopyFrom(messages.pack(kept))
    else:
        state.name = HEADER
        state.typed_config.CopyFrom(messages.pack(types.HeaderBasedSessionState(name=header)))
    return messages.pack(made)
