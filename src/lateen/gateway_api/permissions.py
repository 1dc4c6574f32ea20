"""Who may refer to whom across namespaces: ReferenceGrants and `allowedRoutes`."""

from lateen.api.gateway_api.references import FromNamespaces
from lateen.api.kubernetes.selector import LabelSelector
from lateen.api.resource import Key
from lateen.base.incremental import derived
from lateen.gateway_api.sources import Sources

NAME_LABEL = "kubernetes.io/metadata.name"  # which every namespace carries


@derived
def is_granted(
    sources: Sources,
    from_: tuple[str, str, str],
    to: tuple[str, str, str],
    name: str,
) -> bool:
    """`from_` and `to` are group, kind and namespace; within a namespace no grant is needed."""
    if from_[2] == to[2]:
        return True
    for grant in sources.of_kind("ReferenceGrant", to[2]):
        trusted = any((item.group, item.kind, item.namespace) == from_ for item in grant.spec.from_)
        if trusted and any(
            (item.group, item.kind) == to[:2] and item.name in (None, "", name)
            for item in grant.spec.to
        ):
            return True
    return False


@derived
def namespace_labels(sources: Sources, namespace: str) -> tuple[tuple[str, str], ...]:
    found = sources.resource(Key("Namespace", "", namespace))
    labels = dict(found.meta.labels) if found is not None else {}
    return tuple(sorted({NAME_LABEL: namespace, **labels}.items()))


def admits(
    sources: Sources, allowed: FromNamespaces | None, own: str, namespace: str, *, default: str
) -> bool:
    """Whether objects of a namespace may attach to one of the namespace `own`."""
    where = (allowed.from_ if allowed is not None else "") or default
    if where == "All":
        return True
    if where == "Same":
        return namespace == own
    if where == "Selector" and allowed is not None and allowed.selector is not None:
        return selects(allowed.selector, dict(namespace_labels(sources, namespace)))
    return False


def admitted_namespaces(
    sources: Sources, allowed: FromNamespaces | None, own: str
) -> tuple[str, ...]:
    """Whose routes may attach to a listener, as the hosts of a Gateway name it: `*`, or names."""
    where = (allowed.from_ if allowed is not None else "") or "Same"
    if where == "All":
        return ("*",)
    if where != "Selector":
        return (own,)
    names = (found.name for found in sources.all_of_kind("Namespace"))
    known = {own, *names, *_named(allowed)}
    found = (name for name in sorted(known) if admits(sources, allowed, own, name, default="Same"))
    return tuple(found) or ("~",)


def _named(allowed: FromNamespaces | None) -> tuple[str, ...]:
    """A namespace that the selector asks for by name need not be among the resources."""
    if allowed is None or allowed.selector is None:
        return ()
    name = allowed.selector.match_labels.get(NAME_LABEL)
    return (name,) if name else ()


def selects(selector: LabelSelector, labels: dict[str, str]) -> bool:
    if not selector.match_labels.items() <= labels.items():
        return False
    for wanted in selector.match_expressions:
        value = labels.get(wanted.key)
        holds = {
            "In": value in wanted.values,
            "NotIn": value not in wanted.values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }
        if not holds.get(wanted.operator, False):
            return False
    return True
