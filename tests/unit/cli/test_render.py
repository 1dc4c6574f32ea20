"""`lateen render`: what one proxy would be sent."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from lateen.cli import main

MANIFESTS = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.0.0.1, selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {serviceAccountName: web, containers: [{name: app, image: web}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge}
spec:
  selector: {matchLabels: {istio: edge}}
  template:
    metadata: {labels: {istio: edge}, annotations: {inject.istio.io/templates: gateway}}
    spec: {containers: [{name: istio-proxy, image: auto}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: edge}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: ["*"]
    tls: {mode: SIMPLE, credentialName: edge-cert}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mesh.yaml").write_text(MANIFESTS)
    return tmp_path


def rendered(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main.main(["render", *words, "-o", "json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def names(messages: list[dict[str, Any]]) -> list[str]:
    return [message["name"] for message in messages]


def test_a_workload_is_found_by_its_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = rendered(capsys, "-f", str(folder), "--workload", "web.default")

    assert made["node"]["type"] == "sidecar"
    assert made["node"]["service_account"] == "web"
    assert names(made["listeners"]) == ["0.0.0.0_80", "virtualOutbound", "virtualInbound"]
    assert names(made["routes"]) == ["80"]
    assert "inbound|8080||" in names(made["clusters"])
    assert made["endpoints"][0]["cluster_name"] == "outbound|80||web.default.svc.cluster.local"
    assert made["secrets"] == ["default", "ROOTCA"]
    assert list(made["names"]) == ["web.default.svc.cluster.local"]
    assert made["problems"] == []


def test_a_gateway_is_a_router_and_names_its_credentials(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = rendered(capsys, "-f", str(folder), "--workload", "edge.default")

    assert made["node"]["type"] == "router"
    assert names(made["listeners"]) == ["0.0.0.0_443"]
    assert names(made["routes"]) == ["https.443.https.edge.default"]
    assert "kubernetes://edge-cert" in made["secrets"]


def test_a_proxy_is_described_as_json_or_in_a_file(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = {"namespace": "shop", "labels": {"app": "x"}, "metadata": {"DNS_CAPTURE": "true"}}
    file = tmp_path / "node.json"
    file.write_text(json.dumps(node))

    inline = rendered(capsys, "-f", str(folder / "mesh.yaml"), "--proxy", json.dumps(node))
    from_file = rendered(capsys, "-f", str(folder / "mesh.yaml"), "--proxy", str(file))

    assert inline == from_file
    assert inline["node"]["namespace"] == "shop"


def test_only_the_types_asked_for_are_printed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = rendered(capsys, "-f", str(folder), "--type", "clusters,secrets")

    assert list(made) == ["node", "clusters", "secrets", "problems"]


def test_equal_input_gives_equal_bytes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = []
    for _ in range(2):
        main.main(["render", "-f", str(folder), "--workload", "web"])
        outputs.append(capsys.readouterr().out)

    assert outputs[0] == outputs[1]
    assert yaml.safe_load(outputs[0])["node"]["name"] == "web"


def test_the_mesh_configuration_may_be_a_file(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.txt"
    settings.write_text("outboundTrafficPolicy: {mode: REGISTRY_ONLY}")

    made = rendered(capsys, "-f", str(folder), "--workload", "web", "--mesh-config", str(settings))

    virtual = next(each for each in made["listeners"] if each["name"] == "virtualOutbound")
    last = virtual["filter_chains"][-1]["filters"][0]["typed_config"]
    assert last["cluster"] == "BlackHoleCluster"


def test_mistakes_in_the_input_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(MANIFESTS.replace("number: 443", "number: many"))

    (problem,) = rendered(capsys, "-f", str(bad), "--workload", "web")["problems"]

    assert problem["resource"] == "Gateway default/edge"
    assert problem["path"] == "spec.servers[0].port.number"
    assert problem["line"] > 1


def test_what_cannot_hold_beside_an_older_resource_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = tmp_path / "twice.yaml"
    second = "---" + MANIFESTS.rpartition("---")[2].replace("name: edge}", "name: second}")
    twice.write_text(MANIFESTS + second)

    (problem,) = rendered(capsys, "-f", str(twice), "--workload", "web")["problems"]

    assert problem["severity"] == "warning"
    assert problem["resource"] == "Gateway default/second"


@pytest.mark.parametrize(
    "words",
    [
        ["--workload", "web"],
        ["-f", "FOLDER", "--workload", "absent"],
        ["-f", "FOLDER", "--proxy", "{"],
        ["-f", "FOLDER", "--type", "lamps"],
    ],
)
def test_wrong_usage_is_told(
    folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(folder) if word == "FOLDER" else word for word in words]

    assert main.main(["render", *words]) == 2
    assert capsys.readouterr().err.startswith("lateen render: ")


def test_objects_without_namespace_are_where_lateen_up_puts_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "lateen.yaml").write_text("namespace: shop\n")

    made = rendered(capsys, "-f", str(folder), "--workload", "web")

    assert made["node"]["namespace"] == "shop"
    assert list(made["names"]) == ["web.shop.svc.cluster.local"]


GATEWAY_API = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: front}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
"""


def test_status_shows_what_the_control_plane_would_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gateway.yaml").write_text(GATEWAY_API)

    assert main.main(["render", "-f", str(tmp_path), "--status"]) == 0

    document = yaml.safe_load(capsys.readouterr().out)
    conditions = {each["type"]: each["status"] for each in document["status"]["conditions"]}
    assert conditions == {"Accepted": "True", "Programmed": "False", "ResolvedRefs": "True"}


def test_generated_shows_what_would_be_created_for_a_gateway(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gateway.yaml").write_text(GATEWAY_API)

    assert main.main(["render", "-f", str(tmp_path), "--generated"]) == 0

    documents = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [each["kind"] for each in documents] == ["ServiceAccount", "Deployment", "Service"]
    assert {each["metadata"]["name"] for each in documents} == {"front-istio"}


def test_a_workload_whose_address_is_a_name_has_no_address_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "vm.yaml"
    file.write_text(
        "apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\n"
        "metadata: {name: vm, namespace: shop, labels: {app: one}}\n"
        "spec: {address: vm.example.com, labels: {app: two, tier: x}}\n"
    )

    made = rendered(capsys, "-f", str(file), "--workload", "vm.shop")

    assert made["node"]["ips"] == ["127.0.0.1"]
    assert made["node"]["labels"] == {"app": "one", "tier": "x"}
