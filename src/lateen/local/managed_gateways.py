"""Gateways of the Gateway API that name no address: what a cluster would deploy for them, run here.

    Gateway of class istio or lateen  ->  ServiceAccount, Deployment, Service

Their pods are planned like any other; the control plane reads the objects from the runtime folder.
A port below 1024 of the Service has a target that any user may listen on, and the Service says
where it is offered: on this machine's loopback address.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from lateen.api.resource import Change, Resource
from lateen.base.problem import Problem, Severity
from lateen.config import documents
from lateen.gateway_api import classes, deployment, inference_pool, sources
from lateen.local.state import write_atomic
from lateen.view.mesh import Mesh

FILE = "gateways.yaml"  # in the runtime folder
READ = frozenset(
    (
        sources.GATEWAY, "GatewayClass", "ListenerSet", "ConfigMap", "Namespace",
        "ProxyConfig", inference_pool.KIND,
    )
)  # fmt: skip
FIRST_FREE_PORT = 1024  # below it only root may listen
SHIFTS = (8000, 10000, 20000, 30000)  # 80 is served at 8080 and 443 at 8443, if these are free
LOOPBACK = "127.0.0.1"
NOT_RUN = "is not run on this machine"


@dataclass(frozen=True)
class Managed:
    """Objects made for Gateways, as resources and as the text that the control plane reads."""

    resources: tuple[Resource[Any], ...] = ()
    text: str = ""
    problems: tuple[Problem, ...] = ()


def managed(resources: Iterable[Resource[Any]]) -> Managed:
    """Without those objects that the manifests have themselves."""
    known = tuple(resources)
    gateways = [each for each in known if each.kind == sources.GATEWAY]
    pools = [each for each in known if each.kind == inference_pool.KIND]
    if not gateways and not pools:
        return Managed()
    mesh = Mesh()
    mesh.apply(Change(each.key, each) for each in known if each.kind in READ)
    written = {each.key for each in known}
    found: list[Resource[Any]] = []
    texts: list[str] = []
    for owner, document in (*_of_gateways(mesh, gateways), *_of_pools(pools)):
        text = json.dumps(document)
        made = [
            replace(each, origin=owner.origin)
            for each in documents.read(text, FILE).resources
            if each.key not in written
        ]
        if made:
            found += made
            texts.append(text)
    return Managed(tuple(found), "\n---\n".join(texts), tuple(_problems(mesh, gateways)))


def publish(made: Managed, folder: Path) -> None:
    """For the control plane, which watches the folder."""
    place = folder / FILE
    if made.text != (place.read_text() if place.exists() else ""):
        write_atomic(place, made.text)


def _of_gateways(
    mesh: Mesh, gateways: Iterable[Resource[Any]]
) -> Iterator[tuple[Resource[Any], dict[str, Any]]]:
    for gateway in gateways:
        if classes.class_of(mesh, gateway.spec) is classes.INGRESS:
            for document in deployment.objects(mesh, gateway):
                yield gateway, _local(document)


def _of_pools(
    pools: Iterable[Resource[Any]],
) -> Iterator[tuple[Resource[Any], dict[str, Any]]]:
    for pool in pools:
        yield pool, inference_pool.service(pool)


def _local(document: dict[str, Any]) -> dict[str, Any]:
    if document["kind"] != "Service":
        return document
    spec = document["spec"]
    targets = _targets(port["port"] for port in spec["ports"])
    ports = [
        {**port, "targetPort": port.get("targetPort") or targets[port["port"]]}
        for port in spec["ports"]
    ]
    return {
        **document,
        "spec": {**spec, "ports": ports},
        "status": {"loadBalancer": {"ingress": [{"ip": LOOPBACK}]}},
    }


def _targets(ports: Iterable[int]) -> dict[int, int]:
    """Where the proxy listens for each port: the port itself where any user may."""
    numbers = list(dict.fromkeys(ports))
    taken = set(numbers)
    found: dict[int, int] = {}
    for number in numbers:
        found[number] = number
        if number < FIRST_FREE_PORT:
            candidates = (number + shift for shift in SHIFTS)
            found[number] = next((each for each in candidates if each not in taken), number)
        taken.add(found[number])
    return found


def _problems(mesh: Mesh, gateways: Iterable[Resource[Any]]) -> Iterator[Problem]:
    """Classes whose proxies this machine has no use for; other mistakes the control plane tells."""
    for gateway in gateways:
        of_class = classes.class_of(mesh, gateway.spec)
        if of_class is None or of_class is classes.INGRESS or not of_class.is_deployed:
            continue
        name = gateway.spec.gateway_class_name
        yield Problem(
            code="not-run",
            message=f'a Gateway of class "{name}" {NOT_RUN}',
            severity=Severity.WARNING,
            resource=f"Gateway {gateway.namespace}/{gateway.name}",
            path="spec.gatewayClassName",
            file=gateway.origin.file,
            line=gateway.origin.line,
            hint="sidecars do here what waypoints do; use class istio for an ingress gateway",
        )
