"""Suite `gateway_api`: objects of the Gateway API, and the internal ones made from them.

Each conversion has the objects that are derived (case `objects/...`) and the statuses (case
`status/...`), deployed Gateways the objects created for them. Ingresses are compared like routes.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from lateen.api.resource import Change
from lateen.config import documents
from lateen.config.structure import plain
from lateen.gateway_api import deployment, status
from lateen.translate import secrets
from lateen.view import proxy_class as classes
from lateen.view.mesh import Mesh, Settings
from tests.corpus import passing

SUITE = "gateway_api"
DEPLOYED = ("ServiceAccount", "Deployment", "Service")
INTERNAL = ("Gateway", "VirtualService", "DestinationRule")
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Document = dict[str, Any]


def test_every_listed_case_passes(update_passing: bool) -> None:
    verdicts = dict(all_verdicts())

    passing.check(SUITE, verdicts, update=update_passing)


def all_verdicts() -> Iterator[tuple[str, str]]:
    folder = passing.corpus_folder()
    assert folder is not None
    suite = Path(folder, "gateway-api")
    convert = json.loads((suite / "cases.json").read_text())["convert"]
    facts = yaml.load((suite / convert["services"]).read_text(), Loader=Loader)
    target = convert["endpoint_port_of_first_service_port"]
    services = [as_service(each, target) for each in facts]
    existing = [each for name in convert["objects"] for each in read(suite / name)]
    for case in convert["cases"]:
        given = read(suite / case["input"])
        mesh = world([*existing, *services, *given], convert["domain_suffix"])
        name = case["name"].removeprefix("convert/")
        yield f"objects/{name}", object_verdict(mesh, read(suite / case["golden"]))
        yield f"status/{name}", status_verdict(mesh, given, read(suite / case["status_golden"]))
    for case in yaml.load((suite / "reference-grants.yaml").read_text(), Loader=Loader):
        yield case["name"], grant_verdict(case)
    existing = read(suite / "deployment" / "preconfigured-objects.yaml")
    for case in json.loads((suite / "cases.json").read_text())["deployment"]["cases"]:
        if not case["ignored"]:
            values = yaml.load(case["injection_values"], Loader=Loader) or {}
            network = values.get("global", {}).get("network", "")
            given = [*existing, *read(suite / case["input"])]
            if case["enable_quic_listeners"]:
                given.append(mesh_of(QUIC))
            mesh = world(given, "cluster.local", network)
            yield case["name"], deployment_verdict(mesh, read(suite / case["golden"]))
    for case in json.loads(Path(folder, "extra", "cases.json").read_text()):
        if case["name"].startswith("ingress/"):
            given = [*read(Path(folder, "extra", case["input"])), INGRESS_MESH]
            mesh = world(given, case["domain_suffix"])
            golden = read(Path(folder, "extra", case["golden"]))
            yield f"objects/{case['name']}", object_verdict(mesh, golden)


QUIC = 'defaultConfig: {proxyMetadata: {ISTIO_META_QUIC_LISTENERS: "true"}}'


def mesh_of(config: str) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "istio", "namespace": "istio-system"},
        "data": {"mesh": config},
    }


INGRESS_MESH = mesh_of("ingressControllerMode: DEFAULT")


def read(file: Path) -> list[Document]:
    return [each for each in yaml.load_all(file.read_text(), Loader=Loader) if each]


def as_service(fact: Document, target: int) -> Document:
    """A Service, or for a host outside the cluster a ServiceEntry, out of plain facts.

    `target` is where the first port of each Service leads.
    """
    name, _, rest = fact["hostname"].partition(".")
    namespace = fact["namespace"]
    ports = [{"name": each["name"], "port": each["port"]} for each in fact.get("ports") or ()]
    if rest.partition(".svc.")[0] == namespace:
        ports[0]["targetPort"] = target
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"ports": ports, "externalIPs": fact.get("external_addresses") or []},
        }
    numbers = [{"number": each["port"], "name": each["name"], "protocol": "TCP"} for each in ports]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": fact["hostname"], "namespace": namespace},
        "spec": {"hosts": [fact["hostname"]], "ports": numbers},
    }


def world(objects: list[Document], domain: str, network: str = "") -> Mesh:
    namespaces = sorted(
        {each["metadata"].get("namespace", "") for each in objects}
        - {each["metadata"]["name"] for each in objects if each["kind"] == "Namespace"}
        - {""}
    )
    made = [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": name,
                "labels": {"istio.io/test-name-part": name.partition("-")[0]},
            },
        }
        for name in namespaces
    ]
    text = "\n---\n".join(map(as_text, [*made, *objects]))
    mesh = Mesh(Settings(domain=domain, network=network))
    mesh.apply(Change(each.key, each) for each in documents.read(text, "case.yaml").resources)
    return mesh


def as_text(document: Document) -> str:
    return json.dumps(document, default=lambda time: f"{time:%Y-%m-%dT%H:%M:%SZ}")


# -- objects -----------------------------------------------------------------------------------


def object_verdict(mesh: Mesh, golden: list[Document]) -> str:
    """Why what was made differs; empty when it does not."""
    wanted = {name_of(each): sane(each) for each in golden}
    found = {
        (each.kind, each.namespace, each.name): {
            "annotations": dict(each.meta.annotations),
            "spec": normal(each.kind, plain(each.spec)),
        }
        for kind in INTERNAL
        for each in mesh.all_of_kind(kind)
        if "autogenerated" in each.name or "internal.istio.io/parents" in each.meta.annotations
    }
    if sorted(wanted) != sorted(found):
        missing = sorted(set(wanted) - set(found))
        return f"missing {missing}, besides {sorted(set(found) - set(wanted))}"
    return "; ".join(
        f"{name} is {found[name]}, not {wanted[name]}"
        for name in wanted
        if found[name] != wanted[name]
    )


def name_of(document: Document) -> tuple[str, str, str]:
    meta = document["metadata"]
    return (document["kind"], meta.get("namespace", ""), meta["name"])


def sane(document: Document) -> Document:
    """A golden object in the form in which ours is written."""
    text = as_text({**document, "spec": without_null(document["spec"])})
    resource = documents.read(text, "golden.yaml").resources
    assert len(resource) == 1, f"golden {name_of(document)} is not read"
    return {
        "annotations": document["metadata"].get("annotations", {}),
        "spec": normal(document["kind"], plain(resource[0].spec)),
    }


def without_null(spec: Any) -> Any:
    """Fields that say nothing, and one that our API does not have, are left out."""
    if isinstance(spec, dict):
        return {
            key: without_null(value)
            for key, value in spec.items()
            if key not in ("insecureSkipVerify",)
        }
    return [without_null(each) for each in spec] if isinstance(spec, list) else spec


def normal(kind: str, spec: Any) -> Any:
    """An empty load balancer setting means the same as none."""
    if kind == "DestinationRule" and spec.get("trafficPolicy"):
        spec = {**spec, "trafficPolicy": dict(spec["trafficPolicy"])}
        spec["trafficPolicy"].pop("loadBalancer", None)
    return spec


# -- grants ------------------------------------------------------------------------------------


def grant_verdict(case: Document) -> str:
    """Whether gateways of a namespace are served the secrets that grants let them have."""
    objects = [each for each in yaml.load_all(case["config"], Loader=Loader) if each]
    for expect in case["expect"]:
        namespace, name = expect["secret"].partition("://")[2].split("/")
        data = {"tls.crt": "-----BEGIN CERTIFICATE-----", "tls.key": "-----BEGIN KEY-----"}
        meta = {"name": name, "namespace": namespace}
        held = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data}
        mesh = world([*objects, held], "cluster.local")
        asking = {"type": "router", "namespace": expect["from_namespace"]}
        proxy = classes.proxy_from_description(asking, mesh)
        of_class = classes.classify(mesh, proxy.proxy_class)
        served = secrets.secret(mesh, of_class, expect["secret"]) is not None
        own = expect["from_namespace"] == namespace  # needs no grant to be served
        if served != (expect["allowed"] or own):
            return f"{expect} is {served}"
    return ""


# -- deployments -------------------------------------------------------------------------------


def deployment_verdict(mesh: Mesh, golden: list[Document]) -> str:
    """Pods are for the injection template: of the Deployment only its own facts are compared."""
    made = {each["kind"]: deployment_facts(each) for each in deployment.generated(mesh)}
    wanted = {each["kind"]: deployment_facts(each) for each in golden if each["kind"] in DEPLOYED}
    return "" if made == wanted else f"made {made}, not {wanted}"


def deployment_facts(document: Document) -> Document:
    meta, spec = document["metadata"], dict(document.get("spec") or {})
    spec.pop("template", None)
    owners = [each["name"] for each in meta.get("ownerReferences") or ()]
    own = {name: meta.get(name) or {} for name in ("name", "namespace", "labels", "annotations")}
    return {**own, "owners": owners, "spec": spec}


# -- statuses ----------------------------------------------------------------------------------


def status_verdict(mesh: Mesh, given: list[Document], golden: list[Document]) -> str:
    found = {
        (each.key.kind.partition(".")[0], each.key.namespace, each.key.name): each.status
        for each in status.statuses(mesh)
    }
    own = {name_of(each) for each in given}
    wrong = []
    for document in golden:
        name, wanted = name_of(document), masked(document.get("status") or {})
        if document["kind"] == "GatewayClass" and name not in own:
            continue
        made = masked(found.get(name) or {})
        if made != wanted:
            wrong.append(f"{name} has {json.dumps(made)}, not {json.dumps(wanted)}")
    return "; ".join(wrong)


def masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: masked(each) for key, each in value.items() if key != "lastTransitionTime"}
    return [masked(each) for each in value] if isinstance(value, list) else value
