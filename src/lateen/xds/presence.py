"""Who is told that a proxy has come, has gone, or says how its workload is."""

from collections.abc import Mapping
from typing import Any, Protocol

from lateen.view.proxy import Proxy


class Presence(Protocol):
    def arrived(self, proxy: Proxy, metadata: Mapping[str, Any], identity: str) -> None:
        """Before the proxy is served. CallRefused if it must not be."""

    def left(self, proxy: Proxy) -> None:
        """One stream of a proxy that had arrived has ended."""

    def reported(self, proxy: Proxy, problem: str | None) -> None:
        """The workload's health: None is well."""


class Nobody:
    """Nobody is told."""

    def arrived(self, proxy: Proxy, metadata: Mapping[str, Any], identity: str) -> None:
        return

    def left(self, proxy: Proxy) -> None:
        return

    def reported(self, proxy: Proxy, problem: str | None) -> None:
        return
