"""Pods as the control plane reads them."""

import json
from pathlib import Path
from textwrap import dedent

from lateen.config.documents import read
from lateen.local.plan import PodPlan, plan
from lateen.local.runtime import RuntimeFolder, pod
from lateen.local.settings import Settings
from lateen.local.state import PodState

TEXT = """
    apiVersion: v1
    kind: Namespace
    metadata: {name: shop, labels: {istio-injection: enabled}}
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: cart}
    spec:
      template:
        metadata: {labels: {app: cart}}
        spec:
          serviceAccountName: cart
          containers:
          - {name: main, image: x, command: [run], ports: [{name: web, containerPort: 8080}]}
"""


def planned() -> PodPlan:
    resources = read(dedent(TEXT), "x.yaml", namespace="shop").resources
    return plan(resources, Settings()).pods[0]


def state(*, ready: bool) -> PodState:
    return PodState("cart-1", "shop", "cart", "Deployment", "Running", "", ready, address="1.2.3.4")


def test_pod_is_read_back_by_the_control_planes_own_reader() -> None:
    text = json.dumps(pod(planned(), state(ready=True), {}, 0.0))
    reading = read(text, "pod.json")

    assert reading.problems == ()
    made = reading.resources[0]
    assert made.status.pod_ip == "1.2.3.4"
    assert [condition.status for condition in made.status.conditions] == ["True", "True"]
    assert made.spec.containers[0].ports[0].container_port == 8080


def test_pod_with_a_proxy_says_that_it_speaks_mutual_tls() -> None:
    made = pod(planned(), state(ready=True), {}, 0.0)

    assert made["metadata"]["labels"]["security.istio.io/tlsMode"] == "istio"
    assert made["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet"


def test_pod_that_is_not_ready_says_so() -> None:
    made = pod(planned(), state(ready=False), {}, 0.0)

    assert {condition["status"] for condition in made["status"]["conditions"]} == {"False"}


def test_file_is_written_once_while_nothing_changes(tmp_path: Path) -> None:
    folder, plan_ = RuntimeFolder(tmp_path), planned()
    content = pod(plan_, state(ready=True), {}, 0.0)
    folder.publish(plan_, content)
    (written,) = tmp_path.iterdir()
    before = written.stat().st_ino
    folder.publish(plan_, content)

    assert written.stat().st_ino == before


def test_withdrawn_pod_has_no_file(tmp_path: Path) -> None:
    folder, plan_ = RuntimeFolder(tmp_path), planned()
    folder.publish(plan_, pod(plan_, state(ready=True), {}, 0.0))
    folder.withdraw(plan_)

    assert list(tmp_path.iterdir()) == []
