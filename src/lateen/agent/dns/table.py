"""The name table as the resolver looks names up in it.

A name is known by its host name, by its further hosts, for Kubernetes services by the short forms,
and by each of these followed by the first search domain: programs try that form first, and get
the real name as an alias, so that no question leaves the host. Wildcards match any depth; the
longest wins.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lateen.base.name_table import NameTable

KUBERNETES = "Kubernetes"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a name. Both families empty: it exists and has no address."""

    v4: tuple[str, ...] = ()
    v6: tuple[str, ...] = ()
    alias: str = ""  # the real name, where the question had a search domain appended


class ResolverTable:
    """Immutable after `build`; a new table replaces it whole."""

    def __init__(self, answers: dict[str, Answer], search: tuple[str, ...]) -> None:
        self._answers = answers
        self._suffix = f".{search[0].lower().strip('.')}" if search else ""

    def __len__(self) -> int:
        return len(self._answers)

    def find(self, name: str) -> Answer | None:
        """`name` without its closing dot, in any case."""
        asked = name.lower()
        found = self._direct(asked)
        if found is not None or not self._suffix or not asked.endswith(self._suffix):
            return found
        real = asked.removesuffix(self._suffix)
        found = self._direct(real)
        return None if found is None else Answer(found.v4, found.v6, alias=real)

    def _direct(self, name: str) -> Answer | None:
        found = self._answers.get(name)
        if found is not None:
            return found
        rest = name
        while "." in rest:
            rest = rest.partition(".")[2]
            found = self._answers.get(f"*.{rest}")
            if found is not None:
                return found
        return None


def build(message: bytes, *, namespace: str, search: tuple[str, ...]) -> ResolverTable:
    """From a serialized NameTable, seen from a workload's namespace. DecodeError if it is none."""
    table = NameTable.FromString(message)
    answers: dict[str, Answer] = {}
    short: dict[str, Answer] = {}
    for host, entry in sorted(table.table.items()):
        answer = _answer(entry.ips)
        for name in (host, *entry.alt_hosts):
            answers[name.lower().rstrip(".")] = answer
        for name in _short_forms(host, entry, namespace):
            short.setdefault(name, answer)
    return ResolverTable({**short, **answers}, search)  # a full name is never a short form


def _answer(ips: Iterable[str]) -> Answer:
    v4: list[str] = []
    v6: list[str] = []
    for text in ips:
        try:
            ip = ipaddress.ip_address(text)
        except ValueError:
            continue  # a host name as an endpoint address has no record of ours
        (v4 if ip.version == 4 else v6).append(str(ip))
    return Answer(tuple(v4), tuple(v6))


def _short_forms(host: str, entry: Any, namespace: str) -> Iterable[str]:
    short = entry.shortname.lower()
    if entry.registry != KUBERNETES or not short or not entry.namespace:
        return
    if not host.lower().startswith(f"{short}.{entry.namespace}."):
        return
    if entry.namespace == namespace:
        yield short
    yield f"{short}.{entry.namespace}"
    yield f"{short}.{entry.namespace}.svc"
