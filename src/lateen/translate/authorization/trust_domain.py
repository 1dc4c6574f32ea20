"""Principals of policies under all names of the mesh's trust domain.

A mesh that changes its trust domain keeps the old one as an alias: a policy that names either must
hold for both. `cluster.local` always means the mesh's own.
"""

from collections.abc import Iterable
from dataclasses import dataclass

DEFAULT = "cluster.local"
PRINCIPAL_PARTS = 5  # trust domain, ns, namespace, sa, account


@dataclass(frozen=True, slots=True)
class TrustDomains:
    """The mesh's own first, then its aliases."""

    names: tuple[str, ...]

    def expand(self, principals: Iterable[str]) -> tuple[str, ...]:
        """Each principal of one of our trust domains, under every name of it."""
        return tuple(each for principal in principals for each in self._expanded(principal))

    def _expanded(self, principal: str) -> tuple[str, ...]:
        domain, _, rest = principal.partition("/")
        if principal.count("/") != PRINCIPAL_PARTS - 1 or domain == "*":
            return (principal,)
        if domain != DEFAULT and not any(_covers(domain, name) for name in self.names):
            return (principal,)
        renamed = (principal if _covers(domain, name) else f"{name}/{rest}" for name in self.names)
        return tuple(dict.fromkeys(renamed))


def _covers(pattern: str, name: str) -> bool:
    """Whether the trust domain of a principal, which may begin with `*`, is this one."""
    if pattern.startswith("*"):
        return name.endswith(pattern[1:])
    return pattern == name
