"""Which sources of token keys the control plane fetches for the RequestAuthentications of the mesh.

jwks            the rule has its keys
jwksUri         fetched here, or by the proxy when it leads to a service of the mesh (`Fetcher`)
issuer alone    the issuer's discovery document says where; always fetched here
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from lateen.api.request_authentication import JWTRule
from lateen.api.resource import Key
from lateen.base.incremental import derived
from lateen.jwks.settings import Fetcher
from lateen.jwks.source import KeySource, key_source
from lateen.view import service
from lateen.view.mesh import Mesh

KIND = "RequestAuthentication"
DEFAULT_TIMEOUT_SECONDS = 5.0
MOST_SOURCES = 100  # that one namespace may have fetched
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Use:
    """A rule that needs keys from a source."""

    key: Key  # of the resource
    index: int  # of the rule in it
    source: KeySource
    timeout_seconds: float

    @property
    def path(self) -> str:
        field = "jwksUri" if self.source.uri else "issuer"
        return f"spec.jwtRules[{self.index}].{field}"


@derived
def uses(mesh: Mesh) -> tuple[Use, ...]:
    """Every rule whose keys the control plane fetches."""
    return _sorted_out(mesh)[0]


@derived
def crowded(mesh: Mesh) -> tuple[Use, ...]:
    """Rules whose keys are not fetched, since their namespace has too many sources before them."""
    return _sorted_out(mesh)[1]


@derived
def key_sources(mesh: Mesh) -> tuple[tuple[KeySource, float], ...]:
    """Each with the seconds that a fetch may take: the longest of its rules."""
    found: dict[KeySource, float] = {}
    for use in uses(mesh):
        found[use.source] = max(use.timeout_seconds, found.get(use.source, 0.0))
    return tuple(sorted(found.items()))


@derived
def unreachable(mesh: Mesh) -> tuple[Use, ...]:
    """Rules whose keys nobody fetches: proxies alone may, and the URI leads to no service."""
    if mesh.settings.key_fetcher is not Fetcher.PROXY:
        return ()
    return tuple(
        Use(resource.key, index, key_source(rule.jwks_uri, rule.issuer), 0.0)
        for resource in mesh.all_of_kind(KIND)
        for index, rule in enumerate(resource.spec.jwt_rules)
        if rule.jwks_uri and not rule.jwks and not _is_service(mesh, rule.jwks_uri)
    )


def destination(uri: str) -> tuple[str, int]:
    """Host and port that a URI leads to; without host when it is none."""
    try:
        parts = urlsplit(uri)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", 0
    return parts.hostname or "", port


@derived
def _sorted_out(mesh: Mesh) -> tuple[tuple[Use, ...], tuple[Use, ...]]:
    """Those within their namespace's limit, and the others: no tenant crowds out another."""
    within, beyond = [], []
    of_namespace: dict[str, set[KeySource]] = {}
    for use in _uses(mesh):
        known = of_namespace.setdefault(use.key.namespace, set())
        if use.source in known or len(known) < MOST_SOURCES:
            known.add(use.source)
            within.append(use)
        else:
            beyond.append(use)
    return tuple(within), tuple(beyond)


def _uses(mesh: Mesh) -> Iterator[Use]:
    for resource in mesh.all_of_kind(KIND):
        for index, rule in enumerate(resource.spec.jwt_rules):
            if not rule.jwks and not _is_left_to_proxies(mesh, rule):
                source = key_source(rule.jwks_uri, rule.issuer)
                timeout = rule.timeout.seconds if rule.timeout else DEFAULT_TIMEOUT_SECONDS
                yield Use(resource.key, index, source, timeout)


def _is_left_to_proxies(mesh: Mesh, rule: JWTRule) -> bool:
    if not rule.jwks_uri or mesh.settings.key_fetcher is Fetcher.CONTROL:
        return False
    if mesh.settings.key_fetcher is Fetcher.PROXY:
        return True
    return _is_service(mesh, rule.jwks_uri)


def _is_service(mesh: Mesh, uri: str) -> bool:
    host, port = destination(uri)
    candidates = (
        service.service(mesh, host, namespace) for namespace in service.namespaces(mesh, host)
    )
    return any(found is not None and found.port(port) is not None for found in candidates)
