"""What a workload's policies decided, request by request, as JSON lines for the audit trail.

    refused        by RBAC (policy or none), by a token's check, by an authorization service
    would refuse   a dry run (`istio.io/dry-run`)
    audited        matched by an AUDIT policy

    allowed        only where the mesh asks for all decisions, a line for each request

Query strings are left out: they
may hold tokens. RBAC tells its verdicts as dynamic metadata, of which each further RBAC filter
overwrites the enforced one; the last is the one that refused.
"""

from typing import Any

from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.translate.authorization.filters import DRY_RUN_PREFIXES, HTTP_RBAC, NETWORK_RBAC
from lateen.translate.authorization.policies import policies
from lateen.translate.authorization.tokens import rules
from lateen.translate.filters.access_log import file_log
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.selection import Labels

CEL_FILTER = "envoy.access_loggers.extension_filters.cel"
COMMON = "envoy.common"
HINT = "access_log_hint"  # set by RBAC's action LOG
DENIED = "denied"
REFUSED_HTTP = " || ".join(
    f"response.code_details.startsWith('{details}')"
    for details in ("jwt_authn_access_denied", "ext_authz_denied", "ext_authz_error")
)
REFUSED_TCP = "connection.termination_details.startsWith('rbac_access_denied')"
LABELS = {
    "time": "%START_TIME%",
    "source": "%DOWNSTREAM_PEER_URI_SAN%",
    "peer": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "destination": "%DOWNSTREAM_LOCAL_ADDRESS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "termination": "%CONNECTION_TERMINATION_DETAILS%",
    "audited": f"%DYNAMIC_METADATA({COMMON}:{HINT})%",
}
HTTP_LABELS = {
    **LABELS,
    "method": "%REQUEST_HEADER(:METHOD)%",
    "authority": "%REQUEST_HEADER(:AUTHORITY)%",
    "path": "%PATH(NQ)%",
    "code": "%RESPONSE_CODE%",
    "request_id": "%REQUEST_HEADER(X-REQUEST-ID)%",
    "verdicts": f"%DYNAMIC_METADATA({HTTP_RBAC})%",
}
TCP_LABELS = {**LABELS, "verdicts": f"%DYNAMIC_METADATA({NETWORK_RBAC})%"}


def add_http(manager: Any, mesh: Mesh, proxy_class: ProxyClass) -> None:
    """Gives an HttpConnectionManager the log, where the mesh keeps one and policies may refuse."""
    log = _log(mesh, proxy_class.namespace, proxy_class.labels, False)
    if log is not None:
        manager.access_log.add().MergeFromString(log)


def add_tcp(proxy: Any, mesh: Mesh, proxy_class: ProxyClass) -> None:
    """The same for a TcpProxy."""
    log = _log(mesh, proxy_class.namespace, proxy_class.labels, True)
    if log is not None:
        proxy.access_log.add().MergeFromString(log)


@derived
def _log(mesh: Mesh, namespace: str, labels: Labels, is_tcp: bool) -> bytes | None:
    path = mesh.settings.decision_log
    if not path:
        return None
    found = policies(mesh, namespace, labels)
    judged = bool(found.custom or found.audit or found.deny or found.allow)
    if not judged and (is_tcp or not rules(mesh, namespace, labels)):
        return None
    made = file_log(path, text=None, labels=TCP_LABELS if is_tcp else HTTP_LABELS)
    if mesh.settings.logs_all_decisions:
        return messages.serialize(made)
    filters = made.filter.or_filter.filters
    of = NETWORK_RBAC if is_tcp else HTTP_RBAC
    filters.add().CopyFrom(_expression(REFUSED_TCP if is_tcp else REFUSED_HTTP))
    for key in ("enforced_", *sorted(DRY_RUN_PREFIXES.values())):
        name = f"{key}engine_result" if key == "enforced_" else f"{key}shadow_engine_result"
        refused = filters.add().metadata_filter
        _match(refused, of, name)
        refused.matcher.value.string_match.exact = DENIED
    hinted = filters.add().metadata_filter
    _match(hinted, COMMON, HINT)
    hinted.matcher.value.bool_match = True
    return messages.serialize(made)


def _match(made: Any, name: str, key: str) -> None:
    made.matcher.filter = name
    made.matcher.path.add(key=key)
    made.match_if_key_not_found.value = False


def _expression(text: str) -> Any:
    made = types.AccessLogFilter()
    made.extension_filter.name = CEL_FILTER
    made.extension_filter.typed_config.CopyFrom(
        messages.pack(types.ExpressionFilter(expression=text))
    )
    return made
