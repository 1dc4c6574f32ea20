"""Suite `gateway_conformance`: the official conformance of the Gateway API, without proxies.

Each case is objects and steps. The steps that wait for statuses are taken, and HTTP requests are
followed through the configuration of the proxy; what else is sent is for the tests with real
proxies. The services of deployed Gateways are there, with an address.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from lateen.api.resource import Change, Key
from lateen.config import documents
from lateen.gateway_api import deployment, status
from lateen.view.mesh import Mesh, Settings
from tests.corpus import gateway_requests, passing
from tests.corpus.test_gateway_api import Loader, as_text

SUITE = "gateway_conformance"
CONTROLLER = "istio.io/gateway-controller"
INFRA = "gateway-conformance-infra"
THROUGH_GATEWAYS = (
    "http.MakeRequestAndExpectEventuallyConsistentResponse",
    "tls.MakeTLSRequestAndExpectEventuallyConsistentResponse",
)
FROM_SIDECARS = "echo.MakeRequestAndExpectEventuallyConsistentResponse"
UNTOLD = ("client.Patch", "apply.MustApplyObjectsWithCleanup")
CERTIFICATE = "-----BEGIN CERTIFICATE-----"
GROUP = "gateway.networking.k8s.io"
# What the suite makes before it begins.
SECRETS = (
    ("gateway-conformance-web-backend", "certificate"),
    *((INFRA, name) for name in (
        "tls-validity-checks-certificate", "tls-validity-checks-client-certificate",
        "tls-passthrough-checks-certificate", "tls-terminate-checks-certificate",
        "tls-checks-certificate", "tls-checks-client-certificate",
    )),
    ("gateway-conformance-app-backend", "tls-passthrough-checks-certificate"),
)  # fmt: skip
AUTHORITIES = (
    "tls-checks-ca-certificate",
    "mismatch-ca-certificate",
    "tls-validity-checks-ca-certificate",
    "tls-validity-checks-per-port-ca-certificate",
)
Document = dict[str, Any]
Conditions = list[dict[str, str]]


def test_every_listed_case_passes(update_passing: bool) -> None:
    not_applicable = passing.not_applicable(SUITE)
    verdicts = {
        case["name"]: verdict(folder, case)
        for folder, case in cases()
        if case["name"] not in not_applicable
    }

    passing.check(SUITE, verdicts, update=update_passing)


def cases() -> Iterator[tuple[Path, Document]]:
    corpus = passing.corpus_folder()
    assert corpus is not None
    folder = corpus / "gateway-api-conformance"
    for file in sorted((folder / "cases").glob("*.yaml")):
        yield folder, yaml.load(file.read_text(), Loader=Loader)


def verdict(folder: Path, case: Document) -> str:
    """Why the case fails; empty when it passes."""
    world = World()
    given = ["base/manifests.yaml", *case["manifests"]]
    if case["profile"] == "mesh":
        given.append("mesh/manifests.yaml")
    for name in given:
        text = (folder / name).read_text().replace("{GATEWAY_CLASS_NAME}", "istio")
        world.apply(yaml.load_all(text, Loader=Loader))
    world.apply(provided())
    world.deploy()
    for step in case["steps"]:
        if step["fn"] in UNTOLD:
            break  # what is changed then is not told
        why = taken(world, step)
        if why:
            return f"{step['at']}: {step['fn']}: {why}"
    return ""


def provided() -> Iterator[Document]:
    for namespace, name in SECRETS:
        yield {
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {"name": name, "namespace": namespace},
            "stringData": {"tls.crt": CERTIFICATE, "tls.key": "-----BEGIN PRIVATE KEY-----"},
        }  # fmt: skip
    for name in AUTHORITIES:
        yield {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": INFRA},
            "data": {"ca.crt": CERTIFICATE},
        }  # fmt: skip


# -- the world ---------------------------------------------------------------------------------


class World:
    """Objects, and what a cluster would make of the Gateways among them."""

    def __init__(self) -> None:
        self.mesh = Mesh(Settings(balancer_address="127.0.0.1", service_cidr="10.96.0.0/16"))
        self.gateways: defaultdict[str, list[Document]] = defaultdict(list)  # by waiting steps

    def apply(self, objects: Iterable[Document]) -> None:
        text = "\n---\n".join(as_text(each) for each in objects if each)
        read = documents.read(text, "case.yaml").resources
        self.mesh.apply(Change(each.key, each) for each in read)

    def delete_grant(self, namespace: str, name: str) -> None:
        self.mesh.apply([Change(Key("ReferenceGrant", namespace, name), None)])

    def deploy(self) -> None:
        made = list(deployment.generated(self.mesh))
        self.apply(made)
        self.apply(pod(each) for each in made if each["kind"] == "Deployment")

    def status(self, kind: str, name: Document) -> Document:
        """`kind` may be of routes in general."""
        found = [
            each.status
            for each in status.statuses(self.mesh)
            if (each.key.namespace, each.key.name) == (name["namespace"], name["name"])
            and each.key.kind.partition(".")[0].endswith(kind)
        ]
        return found[0]


def pod(deployment: Document) -> Document:
    meta, template = deployment["metadata"], deployment["spec"]["template"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": template["metadata"]["labels"],
        },
        "spec": {"containers": []},
        "status": {"podIP": "10.0.0.1"},
    }


# -- steps -------------------------------------------------------------------------------------


def taken(world: World, step: Document) -> str:
    """Why a step fails; empty when it succeeds, or is not for here."""
    package, _, name = step["fn"].partition(".")
    arguments = step["args"]
    if step["fn"] == "client.Delete":
        for each in arguments["objects"]:
            world.delete_grant(each["metadata"]["namespace"], each["metadata"]["name"])
    if step["fn"] in THROUGH_GATEWAYS:
        told_by = arguments["gwAddr"].removeprefix("$").partition(":")[0].split(".")
        faults = [
            gateway_requests.through_gateway(world.mesh, each, step)
            for each in world.gateways[".".join(told_by[:2])]
        ]
        return min(faults)  # of several that were waited for alike it is not told which is meant
    if step["fn"] == FROM_SIDECARS:
        return gateway_requests.from_sidecar(world.mesh, step)
    if package != "kubernetes":
        return ""
    gateway = arguments.get("gw") or arguments.get("gwRef")
    if gateway is not None:
        world.gateways[step["fn"]].append(gateway)
    for ending, check in CHECKS.items():
        if name.endswith(ending):
            return check(world, name.removesuffix(ending), arguments)
    return ""


def accepted_with_parent(world: World, kinds: str, arguments: Document) -> str:
    """The listeners of a parent are all in use, and the routes belong to as many as are named."""
    parent = arguments.get("gw") or arguments["resource"]
    kind = parent.get("groupKind", {}).get("kind", "Gateway")
    written = world.status(kind, parent)
    ready = [(each, "True", "") for each in ("ResolvedRefs", "Accepted", "Programmed")]
    faults = [
        lacking(listener["conditions"], *condition)
        for listener in written["listeners"]
        for condition in ready
    ]
    if kind == "Gateway" and not written.get("addresses"):
        faults.append("no address")
    route_kind = "Route" if kinds.startswith("Routes") else kinds.removeprefix("GatewayAnd")[:-1]
    for name in arguments["routeNNs"]:
        parents = world.status(route_kind, name)["parents"]
        own = [each for each in parents if each["parentRef"]["name"] == parent["name"]]
        if len(own) != len(parent["listenerNames"]):
            faults.append(f"{name['name']} has parents {parents}")
        faults += [lacking(each["conditions"], "Accepted", "True", "Accepted") for each in own]
    return "; ".join(filter(None, faults))


def has_parents(world: World, kind: str, arguments: Document) -> str:
    found = world.status(kind, arguments["routeName"])["parents"]
    if len(found) != len(arguments["parents"]):
        return f"parents are {found}"
    faults = []
    for one, wanted in zip(found, arguments["parents"], strict=True):
        reference = {"kind": "Gateway", "group": GROUP} | one["parentRef"]
        for field, value in wanted["parentRef"].items():
            own = arguments["routeName"]["namespace"] if field == "namespace" else ""
            if reference.get(field, own) != value:
                faults.append(f"parentRef is {reference}")
        if one["controllerName"] != CONTROLLER:
            faults.append(f"controller is {one['controllerName']}")
        faults += lacking_any(one["conditions"], wanted["conditions"])
    return "; ".join(faults)


def no_accepted_parents(world: World, kind: str, arguments: Document) -> str:
    parents = world.status(kind, arguments["routeName"])["parents"]
    good = [each for each in parents if not lacking(each["conditions"], "Accepted", "True")]
    return f"accepted by {good}" if good else ""


def resolved_references(world: World, kind: str, arguments: Document) -> str:
    condition = {"type": "ResolvedRefs", "status": "True", "reason": "ResolvedRefs"}
    return has_condition(world, kind, {**arguments, "condition": condition})


def accepted(world: World, kind: str, arguments: Document) -> str:
    condition = {"type": "Accepted", "status": "True", "reason": "Accepted"}
    return has_condition(world, kind, {**arguments, "condition": condition})


def has_condition(world: World, kind: str, arguments: Document) -> str:
    """Of the object itself, or of it under the Gateway that is named too."""
    wanted = arguments.get("condition") or arguments["expectedCondition"]
    if kind in ("Gateway", "ListenerSet"):
        name = arguments.get("lsNN") or arguments["gwNN"]
        return "; ".join(lacking_any(world.status(kind, name)["conditions"], [wanted]))
    under = "parents" if kind.endswith("Route") else "ancestors"
    reference = "parentRef" if under == "parents" else "ancestorRef"
    written = world.status(kind, arguments.get("routeNN") or arguments["policyNN"])
    of_it = [
        each for each in written[under] if each[reference]["name"] == arguments["gwNN"]["name"]
    ]
    if any(not lacking_any(each["conditions"], [wanted]) for each in of_it):
        return ""
    return f"wants {wanted}, has {written[under]}"


def has_listeners(world: World, kind: str, arguments: Document) -> str:
    written = world.status(kind, arguments.get("lsNN") or arguments["gwNN"])["listeners"]
    found = {each["name"]: each for each in written}
    faults = [] if len(found) == len(arguments["listeners"]) else [f"listeners are {sorted(found)}"]
    for wanted in arguments["listeners"]:
        one = found.get(wanted["name"])
        if one is None:
            faults.append(f"no listener {wanted['name']}")
            continue
        kinds = {each["kind"] for each in wanted.get("supportedKinds") or ()}
        if not kinds <= {each["kind"] for each in one["supportedKinds"]}:
            faults.append(f"{wanted['name']} supports {one['supportedKinds']}")
        if one["attachedRoutes"] != wanted["attachedRoutes"]:
            faults.append(f"{wanted['name']} has {one['attachedRoutes']} routes")
        faults += lacking_any(one["conditions"], wanted["conditions"])
    return "; ".join(faults)


def listeners_have_conditions(world: World, kind: str, arguments: Document) -> str:
    kind = kind.removesuffix("Listener").removesuffix("Listeners")
    written = world.status(kind, arguments.get("lsName") or arguments["gwName"])["listeners"]
    names = arguments.get("listenerNames") or [arguments.get("lName")]
    found = [each for each in written if each["name"] in names]
    if len(found) != len(names):
        return f"listeners are {written}"
    return "; ".join(
        fault
        for each in found
        for fault in lacking_any(each["conditions"], arguments["conditions"])
    )


def attached_listeners(world: World, kind: str, arguments: Document) -> str:
    found = world.status(kind, arguments["gwName"]).get("attachedListenerSets", 0)
    return "" if found == arguments["expectedCount"] else f"{found} listener sets are attached"


def no_routes(world: World, kind: str, arguments: Document) -> str:
    found = world.status(kind, arguments["gwName"])["listeners"]
    return f"routes: {found}" if any(each["attachedRoutes"] for each in found) else ""


def address(world: World, _kind: str, arguments: Document) -> str:
    found = world.status("Gateway", arguments["gwRef"]).get("addresses")
    return "" if found else "no address"


def latest(world: World, kind: str, arguments: Document) -> str:
    """All conditions are of one generation."""
    conditions = world.status(kind, arguments["gwNN"])["conditions"]
    return "" if len({each.get("observedGeneration") for each in conditions}) == 1 else "old"


# By the end of a step's name: the longer ones first.
CHECKS = {
    "MustHaveResolvedRefsConditionsTrue": resolved_references,
    "MustHaveAcceptedConditionTrue": accepted,
    "MustHaveNoAcceptedParents": no_accepted_parents,
    "MustHaveAttachedListeners": attached_listeners,
    "MustHaveLatestConditions": latest,
    "StatusMustHaveListeners": has_listeners,
    "ListenersMustHaveConditions": listeners_have_conditions,
    "ListenerMustHaveConditions": listeners_have_conditions,
    "MustHaveZeroRoutes": no_routes,
    "MustHaveCondition": has_condition,
    "MustHaveParents": has_parents,
    "MustBeAccepted": accepted_with_parent,
    "WaitForGatewayAddress": address,
}


def lacking_any(conditions: Conditions, wanted: Conditions) -> list[str]:
    found = (
        lacking(conditions, each["type"], each["status"], each.get("reason", "")) for each in wanted
    )
    return [each for each in found if each]


def lacking(conditions: Conditions, kind: str, state: str, reason: str = "") -> str:
    """What is wrong about the condition of a kind; empty when it is as wanted."""
    for each in conditions:
        if each["type"] == kind and each["status"] == state and reason in ("", each["reason"]):
            return ""
    told = [(each["type"], each["status"], each["reason"]) for each in conditions]
    return f"wants {kind} {state} {reason}, has {told}"
