"""What became of EnvoyFilters' patches at the proxies: those that could not be applied to what a
proxy holds, and those that a proxy refused and now goes without.

    problems()      as of now, each patch once for each reason
    follow()        prints what is new and what is mended, for the person who saved the file

Looking through all resources takes time in proportion to them, so it is done at most once in
SECONDS, only when something was computed since, and only while there are EnvoyFilters.
"""

import asyncio

from lateen.base.problem import Problem
from lateen.control.announcements import announce
from lateen.translate.envoy_filter.fault import PatchFault
from lateen.translate.envoy_filter.patch import problem
from lateen.translate.envoy_filter.problems import problems_of
from lateen.view.envoy_filter import KIND, patch_named
from lateen.view.mesh import Mesh
from lateen.view.proxy import PatchName
from lateen.xds.server import DiscoveryServer

SECONDS = 1.0
MOST_NAMED = 3
REFUSED = "envoy-filter-refused"
HINT = "these proxies go without the patch until it is written anew"


class PatchFindings:
    """Owns what was printed."""

    def __init__(self, mesh: Mesh, server: DiscoveryServer) -> None:
        self._mesh = mesh
        self._server = server
        self._known: tuple[Problem, ...] = ()
        self._seen = (0, 0)

    def problems(self) -> tuple[Problem, ...]:
        if not self._mesh.all_of_kind(KIND):
            return ()
        cells = (cell.node for group in self._server.scopes for cell in group.cells.values())
        return (*problems_of(dict.fromkeys(cells)), *self._refused())

    async def follow(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            self._look()

    def _look(self) -> None:
        now = (self._mesh.graph.evaluations, self._server.isolations)
        if now == self._seen:
            return
        self._seen = now
        found = self.problems()
        announce(self._known, found)
        self._known = found

    def _refused(self) -> tuple[Problem, ...]:
        found: dict[PatchName, tuple[str, list[str]]] = {}
        for stream in self._server.connected():
            for name, reason in stream.isolation.at_fault.items():
                if not isinstance(name, PatchName) or stream.proxy is None:
                    continue
                if patch_named(self._mesh, name) is not None:
                    found.setdefault(name, (reason, []))[1].append(stream.proxy.id)
        return tuple(
            problem(
                self._mesh, name.owner, name.place,
                PatchFault(f"refused by Envoy ({_some(proxies)}): {_line(reason)}", HINT),
                code=REFUSED,
            )
            for name, (reason, proxies) in sorted(found.items())
        )  # fmt: skip


def _some(proxies: list[str]) -> str:
    """Their names, of many the first."""
    more = len(proxies) - MOST_NAMED
    named = ", ".join(sorted(proxies)[:MOST_NAMED])
    return f"{named} and {more} more" if more > 0 else named


def _line(text: str) -> str:
    return " ".join(text.split())
