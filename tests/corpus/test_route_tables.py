"""Which hosts and domains a sidecar's route configuration has: rows of Istio's table.

The services that the rows speak of stand in the program of that table, so they are written here, as
ServiceEntries: hosts that no Kubernetes Service could have. Those of a headless service's pods
(`*.host`) are therefore not expected. The program's proxy knows no cluster domain: a short name
there ends at its namespace.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from lateen.api.resource import Change
from lateen.config import documents
from lateen.envoy import types
from lateen.translate import discovery
from lateen.view import proxy_class as classes
from lateen.view.mesh import Mesh, Settings
from tests.corpus.passing import corpus_folder

TABLE = "tables/pilot-pkg-networking-core/TestSidecarOutboundHTTPRouteConfig.yaml"
CLUSTER_DOMAIN = ".svc.cluster.local"
EVERYBODY, NOBODY_ELSE = "*", "."
# Host, exported to, address (empty: any), namespace, ports.
SERVICES = (
    ("bookinfo.com", EVERYBODY, "", "default", (9999, 70)),
    ("private.com", NOBODY_ELSE, "", "default", (9999, 80)),
    ("test.com", EVERYBODY, "8.8.8.8", "not-default", (8080,)),
    ("test-private.com", NOBODY_ELSE, "9.9.9.9", "not-default", (80, 70)),
    ("test-private-2.com", NOBODY_ELSE, "9.9.9.10", "not-default", (60,)),
    ("test-headless.com", EVERYBODY, "", "not-default", (8888,)),
)
Row = dict[str, Any]


def test_a_sidecars_routes_have_the_hosts_that_they_have_in_istio() -> None:
    folder = corpus_folder()
    assert folder is not None
    rows = yaml.safe_load((folder / TABLE).read_text())

    assert {row["case"]: hosts(row) for row in rows} == {row["case"]: wanted(row) for row in rows}


def wanted(row: Row) -> Mapping[str, list[str]]:
    return {
        name: sorted(each for each in domains if not each.startswith("*."))
        for name, domains in row["expectedHosts"].items()
    }


def hosts(row: Row) -> Mapping[str, list[str]]:
    mode = "REGISTRY_ONLY" if row["registryOnly"] else "ALLOW_ANY"
    mesh = Mesh(Settings(mesh_config=f"outboundTrafficPolicy: {{mode: {mode}}}"))
    objects = [*services(), *(row["virtualServiceConfigs"] or ())]
    if row["sidecarConfig"] is not None:
        objects.append(row["sidecarConfig"])
    read = documents.read("\n---\n".join(yaml.safe_dump(document(each)) for each in objects))
    mesh.apply(Change(each.key, each) for each in read.resources)
    proxy = classes.proxy_from_description({"namespace": "not-default"}, mesh)
    of_class = classes.classify(mesh, proxy.proxy_class)
    content = discovery.cell(mesh, of_class, discovery.ROUTE, row["routeName"]).read()
    made = types.RouteConfiguration.FromString(content)
    return {
        host.name.replace(CLUSTER_DOMAIN, ""): sorted(
            domain.replace(CLUSTER_DOMAIN, "") for domain in host.domains
        )
        for host in made.virtual_hosts
    }


def services() -> Iterator[Row]:
    for host, exported, address, namespace, ports in SERVICES:
        yield {
            "type": {"kind": "ServiceEntry"},
            "name": host.replace(".", "-"),
            "namespace": namespace,
            "spec": {
                "hosts": [host],
                "exportTo": [exported],
                "addresses": [address] if address else [],
                "resolution": "STATIC" if address else "NONE",
                "ports": [
                    {"number": number, "name": f"http-{number}", "protocol": "HTTP"}
                    for number in ports
                ],
            },
        }


def document(written: Row) -> Row:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": written["type"]["kind"],
        "metadata": {"name": written["name"], "namespace": written["namespace"]},
        "spec": written["spec"],
    }
