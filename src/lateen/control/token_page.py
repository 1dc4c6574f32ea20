"""`POST /tokens?namespace=..&service-account=..[&ttl-seconds=..][&workload=..][&app=..]...`

Issues a join token. The answer is the only place where the token is ever written.
"""

from collections.abc import Callable

from lateen.audit.event import Action, Decision, Event, Recorder
from lateen.audit.line import stamp
from lateen.control.http import Answer, Query, as_json, text
from lateen.identity.errors import IdentityError
from lateen.identity.join_tokens import DEFAULT_SECONDS, JoinTokens
from lateen.identity.labels import KEYS, WorkloadLabels, from_claims

PATH = "/tokens"


class TokenPage:
    """`joins` is None until the secure port is served, or when it is not."""

    def __init__(self, joins: Callable[[], JoinTokens | None], audit: Recorder) -> None:
        self._joins = joins
        self._audit = audit

    def __call__(self, query: Query) -> Answer:
        joins = self._joins()
        if joins is None:
            return text("no certificates are issued here (--secure-xds-address)\n", 503)
        given = query.parameters
        namespace, account = given.get("namespace", ""), given.get("service-account", "")
        try:
            claims, token = joins.issue(
                namespace=namespace,
                service_account=account,
                ttl_seconds=_seconds(given.get("ttl-seconds", "")),
                workload=_labels(query),
            )
        except IdentityError as wrong:
            self._record(query, f"{namespace}/{account}", reason=str(wrong))
            return text(f"{wrong}\n", 400)
        self._record(
            query,
            f"{namespace}/{account}",
            detail={"token": claims.identifier, "expires": stamp(claims.expires)},
        )
        return as_json({"token": token, "id": claims.identifier, "expires": stamp(claims.expires)})

    def _record(
        self,
        query: Query,
        identity: str,
        *,
        reason: str = "",
        detail: dict[str, str] | None = None,
    ) -> None:
        self._audit.record(
            Event(
                Action.JOIN_TOKEN,
                Decision.REFUSED if reason else Decision.ACCEPTED,
                object=identity,
                actor=query.caller.actor,
                proof=query.caller.proof,
                reason=reason,
                detail=detail or {},
            )
        )


def _seconds(written: str) -> float:
    if not written:
        return DEFAULT_SECONDS
    if not written.isdecimal():
        raise IdentityError(f"{written[:20]!r} is not a number of seconds")
    return float(written)


def _labels(query: Query) -> WorkloadLabels | None:
    """What the workload is, where the issuer says so: then it cannot claim to be another."""
    given = {key: query.parameters[key] for key in KEYS if key in query.parameters}
    return from_claims(given) if given.keys() - {"namespace"} else None
