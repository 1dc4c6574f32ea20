"""Who may connect, in the terms that a NetworkPolicy has: pods by label, blocks of addresses."""

from dataclasses import dataclass

Labels = tuple[tuple[str, str], ...]  # sorted


@dataclass(frozen=True, slots=True, order=True)
class Pods:
    """Pods of a namespace; no labels: all of them. An empty namespace stands for every one."""

    namespace: str = ""
    labels: Labels = ()


@dataclass(frozen=True, slots=True, order=True)
class Block:
    cidr: str
    excluded: tuple[str, ...] = ()


Peers = frozenset[Pods | Block]
ANYONE: Peers | None = None  # inside the cluster or outside

ANY_POD = Pods()
EVERYWHERE = (Block("0.0.0.0/0"), Block("::/0"))


@dataclass(frozen=True, slots=True)
class Workload:
    """Pods that are alike, and as whom they appear in the mesh."""

    name: str
    namespace: str
    service_account: str
    labels: Labels  # of the pods
    selector: Labels  # those of them by which their controller knows them
    kind: str = "Deployment"
    proxied: bool = True
    addresses: tuple[str, ...] = ()  # of a workload outside the cluster (WorkloadEntry)

    @property
    def peers(self) -> Peers:
        if self.addresses:
            return frozenset(Block(_block(address)) for address in self.addresses)
        return frozenset((Pods(self.namespace, self.selector),))


def _block(address: str) -> str:
    return f"{address}/128" if ":" in address else f"{address}/32"
