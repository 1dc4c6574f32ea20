"""Which Host headers mean a service, as a proxy of one namespace may write them.

    reviews.shop.svc.cluster.local   the name, and the same with the closing dot of an absolute name
    reviews, reviews.shop.svc,       short forms: those that the resolver's search list completes
    reviews.shop
    10.96.0.10                       its addresses
    *.db.shop.svc.cluster.local      headless: the pods of a StatefulSet

The first one to claim a domain keeps it, since Envoy refuses a table that has one twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from lateen.catalog.service import Registry, Resolution, Service
from lateen.translate.names import host_form

KUBERNETES_PART = ".svc."


@dataclass(frozen=True, slots=True)
class Domains:
    """`short` are those of `names` that were made by completing the search list backwards."""

    names: tuple[str, ...]
    short: frozenset[str] = frozenset()


def service_domains(
    service: Service, *, dns_domain: str, addresses: Sequence[str] = (), aliases: Sequence[str] = ()
) -> Domains:
    """`dns_domain` is the proxy's (`shop.svc.cluster.local`); `aliases` are ExternalNames of it."""
    names: list[str] = []
    short: list[str] = []
    for hostname in (service.hostname, *aliases):
        forms = short_forms(hostname, dns_domain)
        names.extend((hostname, f"{hostname}.", *forms))
        short.extend(forms)
    if service.resolution is Resolution.PASSTHROUGH and service.registry is Registry.KUBERNETES:
        names.extend([f"*.{name}" for name in names])
    names.extend(host_form(address) for address in addresses if "/" not in address)
    return Domains(tuple(names), frozenset(short))


def short_forms(hostname: str, dns_domain: str) -> tuple[str, ...]:
    """Empty for hosts that are no Kubernetes services of the proxy's own cluster domain.

    Beside a domain that is not Kubernetes' own, names are cut where they part from it.
    """
    own_namespace, found, suffix = dns_domain.partition(KUBERNETES_PART)
    if not found:
        return _cut_forms(hostname.split("."), dns_domain.split("."))
    path, is_kubernetes, rest = hostname.partition(KUBERNETES_PART)
    if not is_kubernetes or rest != suffix:
        return ()
    name, dot, namespace = path.partition(".")
    if not dot or not namespace:
        return ()
    if namespace == own_namespace:
        return (name, f"{path}.svc", path)
    return (path, f"{path}.svc")


def _cut_forms(hostname: Sequence[str], domain: Sequence[str]) -> tuple[str, ...]:
    """foo.local.campus.net is `foo.local` and `foo.local.campus` to proxies of other.campus.net."""
    ends = zip(reversed(hostname), reversed(domain), strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    own, rest = hostname[: len(hostname) - shared], hostname[len(hostname) - shared :]
    if not rest or not own:
        return ()
    name = ".".join(own)
    return (name, f"{name}.{rest[0]}") if len(own) == 2 else (name,)


def with_port(domains: Iterable[str], port: int) -> tuple[str, ...]:
    """Each domain with the port, for tables where the Host header's port counts."""
    return tuple(f"{domain}:{port}" for domain in domains)


def bare_and_with_port(domains: Iterable[str], port: int) -> tuple[str, ...]:
    return tuple(form for domain in domains for form in (domain, f"{domain}:{port}"))


def unclaimed(domains: Domains, claimed: set[str], known: frozenset[str]) -> tuple[str, ...]:
    """The domains nobody has yet, which are claimed by this call.

    A short form that is some service's own name (`known`) is left to that service.
    """
    kept = []
    for domain in domains.names:
        key = domain.lower()
        if key in claimed or (domain in known and domain in domains.short):
            continue
        claimed.add(key)
        kept.append(domain)
    return tuple(kept)
