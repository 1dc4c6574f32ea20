"""One rule of an AuthorizationPolicy as a policy of Envoy's RBAC.

    from   any of the sources      AND     to   any of the operations     AND     when   all

Inside a source, an operation or the conditions, all that is named must hold; of the values of one
field, any. On TCP what only HTTP has cannot be checked: an ALLOW rule that needs it is dropped, so
that it allows nothing; every other action goes by the rest, and so covers more.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from lateen.api.authorization_policy import Action, Condition, Operation, Rule, Source
from lateen.envoy import types
from lateen.translate.authorization import values
from lateen.translate.authorization.trust_domain import TrustDomains
from lateen.translate.authorization.values import BadValue

HEADER_KEY = re.compile(r"request\.headers\[(.+)\]")
CLAIM_KEY = re.compile(r"request\.auth\.claims((?:\[[^\]]+\])+)")
FILTER_KEY = re.compile(r"experimental\.(.+)\[(.+)\]")

Build = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Clause:
    """One field and its values: any of them, and none of the others."""

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]
    build: Build
    http_only: bool = False
    is_flat: bool = False  # a single value stands alone, not as a choice of one


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule is translated for."""

    namespace: str  # of the policy
    action: Action
    is_tcp: bool
    trust_domains: TrustDomains


def policy(rule: Rule, context: Context) -> Any | None:
    """The `Policy`; None when an ALLOW rule cannot hold here."""
    permission_base, principal_base = _conditions(rule.when, context)
    made = types.Policy()
    try:
        for to in rule.to or (None,):
            operation = to.operation if to is not None and to.operation else Operation()
            clauses = (*_operation(operation), *permission_base)
            made.permissions.append(_permission(clauses, context))
        for source in rule.from_ or (None,):
            written = source.source if source is not None and source.source else Source()
            clauses = (*_source(written, context), *principal_base)
            made.principals.append(_principal(clauses, context))
    except BadValue:
        return None
    return made


def never() -> Any:
    """A policy that nothing matches: of an ALLOW policy without rules."""
    made = types.Policy()
    made.permissions.add().not_rule.any = True
    made.principals.add().not_id.any = True
    return made


# -- fields ------------------------------------------------------------------------------------


def _operation(operation: Operation) -> Iterator[Clause]:
    yield Clause(operation.hosts, operation.not_hosts, values.host, http_only=True)
    yield Clause(operation.methods, operation.not_methods, values.method, http_only=True)
    yield Clause(operation.paths, operation.not_paths, values.path, http_only=True)
    yield Clause(operation.ports, operation.not_ports, values.destination_port)


def _source(source: Source, context: Context) -> Iterator[Clause]:
    domains = context.trust_domains
    yield Clause(
        domains.expand(source.principals),
        domains.expand(source.not_principals),
        values.source_principal,
    )
    yield Clause(
        source.request_principals,
        source.not_request_principals,
        values.request_principal,
        http_only=True,
        is_flat=True,
    )
    account = partial(values.source_service_account, namespace=context.namespace)
    yield Clause(source.service_accounts, source.not_service_accounts, account)
    yield Clause(source.namespaces, source.not_namespaces, values.source_namespace)
    yield Clause(source.trust_domains, source.not_trust_domains, values.source_trust_domain)
    yield Clause(source.remote_ip_blocks, source.not_remote_ip_blocks, values.remote_ip)
    yield Clause(source.ip_blocks, source.not_ip_blocks, values.source_ip)


PERMISSION_KEYS: dict[str, Build] = {
    "destination.ip": values.destination_ip,
    "destination.port": values.destination_port,
    "connection.sni": values.server_name,
}
PRINCIPAL_KEYS: dict[str, Build] = {
    "source.ip": values.source_ip,
    "remote.ip": values.remote_ip,
    "source.namespace": values.source_namespace,
    "source.trustDomain": values.source_trust_domain,
}


def _conditions(
    conditions: Iterable[Condition], context: Context
) -> tuple[tuple[Clause, ...], tuple[Clause, ...]]:
    """What `when` says of the destination, and what it says of the source."""
    permissions, principals = [], []
    for condition in conditions:
        wanted, unwanted = condition.values, condition.not_values
        if condition.key in PERMISSION_KEYS:
            permissions.append(Clause(wanted, unwanted, PERMISSION_KEYS[condition.key]))
        elif named := FILTER_KEY.fullmatch(condition.key):
            build = partial(values.filter_metadata, named[1], named[2])
            permissions.append(Clause(wanted, unwanted, build, is_flat=True))
        else:
            principals.append(_source_condition(condition, context))
    return tuple(permissions), tuple(principals)


def _source_condition(condition: Condition, context: Context) -> Clause:
    key, wanted, unwanted = condition.key, condition.values, condition.not_values
    if key in PRINCIPAL_KEYS:
        return Clause(wanted, unwanted, PRINCIPAL_KEYS[key])
    if key == "source.principal":
        expand = context.trust_domains.expand
        return Clause(expand(wanted), expand(unwanted), values.source_principal)
    if key == "source.serviceAccount":
        account = partial(values.source_service_account, namespace=context.namespace)
        return Clause(wanted, unwanted, account)
    if key == "request.auth.principal":
        return Clause(wanted, unwanted, values.request_principal, http_only=True, is_flat=True)
    if header := HEADER_KEY.fullmatch(key):
        build = partial(values.request_header, header[1])
        return Clause(wanted, unwanted, build, http_only=True)
    path = _claim_path(key)
    if path:
        build = partial(values.claim_has, path)
        return Clause(wanted, unwanted, build, http_only=True, is_flat=True)
    return Clause(wanted, unwanted, _unknown)


def _claim_path(key: str) -> tuple[str, ...]:
    if key == "request.auth.audiences":
        return ("aud",)
    if key == "request.auth.presenter":
        return ("azp",)
    claims = CLAIM_KEY.fullmatch(key)
    return tuple(re.findall(r"\[([^\]]+)\]", claims[1])) if claims else ()


def _unknown(value: str) -> Any:
    raise BadValue("unknown key")


# -- joining -----------------------------------------------------------------------------------


def _permission(clauses: Iterable[Clause], context: Context) -> Any:
    made = types.Permission()
    rules = made.and_rules.rules
    for clause in clauses:
        for found, negated in _built(clause, context):
            target = rules.add().not_rule if negated else rules.add()
            if clause.is_flat and len(found) == 1:
                target.CopyFrom(found[0])
            else:
                target.or_rules.rules.extend(found)
    if not rules:
        rules.add().any = True
    return made


def _principal(clauses: Iterable[Clause], context: Context) -> Any:
    made = types.Principal()
    ids = made.and_ids.ids
    for clause in clauses:
        for found, negated in _built(clause, context):
            target = ids.add().not_id if negated else ids.add()
            if clause.is_flat and len(found) == 1:
                target.CopyFrom(found[0])
            else:
                target.or_ids.ids.extend(found)
    if not ids:
        ids.add().any = True
    return made


def _built(clause: Clause, context: Context) -> Iterator[tuple[list[Any], bool]]:
    """The matchers of a clause, wanted and unwanted; raises `BadValue` for ALLOW."""
    for written, negated in ((clause.wanted, False), (clause.unwanted, True)):
        if not written:
            continue
        if clause.http_only and context.is_tcp:
            if context.action is Action.ALLOW:
                raise BadValue("TCP has no such attribute")
            continue
        found = _values(clause, written, context)
        if found:
            yield found, negated


def _values(clause: Clause, written: tuple[str, ...], context: Context) -> list[Any]:
    found = []
    for value in written:
        try:
            found.append(clause.build(value))
        except BadValue:
            if context.action is Action.ALLOW:
                raise
    return found
