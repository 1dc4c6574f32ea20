"""Which ProxyConfig a pod's proxy is started with."""

from textwrap import dedent
from typing import Any

from lateen.config import mesh_config, proxy_config
from lateen.config.documents import read

OBJECTS = """
    apiVersion: networking.istio.io/v1beta1
    kind: ProxyConfig
    metadata: {name: everywhere, namespace: istio-system}
    spec: {concurrency: 2, environmentVariables: {A: root, B: root}}
    ---
    apiVersion: networking.istio.io/v1beta1
    kind: ProxyConfig
    metadata: {name: shop, namespace: shop}
    spec: {environmentVariables: {B: shop, C: shop}, image: {imageType: distroless}}
    ---
    apiVersion: networking.istio.io/v1beta1
    kind: ProxyConfig
    metadata: {name: web, namespace: shop}
    spec: {selector: {matchLabels: {app: web}}, concurrency: 4, environmentVariables: {C: web}}
"""


def effective(
    *, namespace: str = "shop", app: str = "web", mesh: str = "", annotation: Any = None
) -> dict[str, Any]:
    config, problems = mesh_config.read_mesh_config(mesh)
    assert not problems
    return proxy_config.effective(
        config,
        read(dedent(OBJECTS), "proxies.yaml").resources,
        namespace=namespace,
        labels={"app": app},
        annotation=annotation or {},
    )


def test_layers_are_laid_over_each_other_and_variables_by_name() -> None:
    assert effective() == {
        "concurrency": 4,
        "image": {"imageType": "distroless"},
        "proxyMetadata": {"A": "root", "B": "shop", "C": "web"},
    }


def test_other_namespaces_and_workloads_count_for_nothing() -> None:
    assert effective(namespace="bank") == {
        "concurrency": 2,
        "proxyMetadata": {"A": "root", "B": "root"},
    }
    assert effective(app="db")["concurrency"] == 2


def test_the_annotation_beats_all_but_the_object_that_selects_the_pod() -> None:
    written = {"concurrency": 8, "terminationDrainDuration": "9s"}

    assert effective(annotation=written)["concurrency"] == 4
    assert effective(annotation=written)["terminationDrainDuration"] == "9s"
    assert effective(annotation=written, app="db")["concurrency"] == 8


def test_of_the_mesh_counts_what_it_says_beyond_the_defaults() -> None:
    mesh = "defaultConfig: {concurrency: 1, holdApplicationUntilProxyStarts: true}"

    found = effective(mesh=mesh, namespace="bank")

    assert found["holdApplicationUntilProxyStarts"] is True
    assert found["concurrency"] == 2
    assert "discoveryAddress" not in found
