"""ConfigMaps change the objects of a Gateway, but not which objects they are."""

from typing import Any

import pytest

from lateen.gateway_api.customisation import CustomisationError, customised

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "edge-istio", "namespace": "shop", "labels": {"a": "b"}},
    "spec": {
        "template": {
            "spec": {
                "containers": [{"name": "istio-proxy", "image": "auto"}],
                "serviceAccountName": "edge-istio",
            }
        }
    },
}
SCALER = {**DEPLOYMENT, "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}


def test_maps_are_merged_and_lists_by_name() -> None:
    patch = """
metadata: {labels: {c: d}}
spec:
  replicas: 2
  template: {spec: {containers: [{name: istio-proxy, image: own}, {name: more, image: x}]}}
"""

    made = customised(DEPLOYMENT, [{"deployment": patch}])

    assert made is not None
    assert made["metadata"]["labels"] == {"a": "b", "c": "d"}
    assert made["spec"]["replicas"] == 2
    assert made["spec"]["template"]["spec"]["serviceAccountName"] == "edge-istio"
    images = {
        each["name"]: each["image"] for each in made["spec"]["template"]["spec"]["containers"]
    }
    assert images == {"istio-proxy": "own", "more": "x"}


def test_null_and_directives_take_away() -> None:
    patch = """
metadata: {labels: null}
spec: {template: {spec: {containers: [{name: istio-proxy, $patch: delete}]}}}
"""

    made = customised(DEPLOYMENT, [{"deployment": patch}])

    assert made is not None
    assert "labels" not in made["metadata"]
    assert made["spec"]["template"]["spec"]["containers"] == []


def test_the_gateways_own_parameters_come_after_those_of_its_class() -> None:
    overlays = [{"deployment": "spec: {replicas: 2}"}, {"deployment": "spec: {replicas: 3}"}]

    made = customised(DEPLOYMENT, overlays)

    assert made is not None
    assert made["spec"]["replicas"] == 3


def test_a_scaler_is_made_only_when_it_is_described() -> None:
    described = {"horizontalPodAutoscaler": "spec: {maxReplicas: 5}"}

    assert customised(SCALER, []) is None
    assert customised(SCALER, [described]) is not None


@pytest.mark.parametrize(
    "overlay",
    [
        {"deployment": "metadata: {name: other}"},
        {"deployment": "metadata: {namespace: other}"},
        {"deployment": "metadata: {ownerReferences: []}"},
        {"deployment": "kind: Pod"},
        {"deployment": "["},
        {"deployment": "text"},
        {"pod": "spec: {}"},
    ],
)
def test_what_an_object_is_cannot_be_changed(overlay: dict[str, str]) -> None:
    with pytest.raises(CustomisationError):
        customised(DEPLOYMENT, [overlay])
