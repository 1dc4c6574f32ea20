"""Pods as the control plane sees them: one JSON file each, with a status, in the runtime folder.

The control plane reads that folder like any other and derives endpoints from the pods that its
Services select.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from lateen.catalog.proxy_role import PROXY_CONTAINER
from lateen.local.container import ContainerState
from lateen.local.container_plan import NODE_NAME
from lateen.local.injection import ProxyRole
from lateen.local.plan import PodPlan
from lateen.local.state import PodState, write_atomic

TLS_MODE = "security.istio.io/tlsMode"
HOST_ADDRESS = "127.0.0.1"


def uid(plan: PodPlan) -> str:
    return str(uuid5(NAMESPACE_DNS, plan.id))


def pod(
    plan: PodPlan, state: PodState, containers: dict[str, ContainerState], started: float
) -> dict[str, Any]:
    labels = dict(plan.labels)
    if plan.proxy is ProxyRole.SIDECAR:  # a gateway's ports are as its servers say
        labels.setdefault(TLS_MODE, "istio")
    metadata: dict[str, Any] = {
        "name": plan.name,
        "namespace": plan.namespace,
        "labels": labels,
        "annotations": plan.annotations,
        "uid": uid(plan),
        "creationTimestamp": datetime.fromtimestamp(started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if plan.owner is not None:
        metadata["ownerReferences"] = [
            {
                "apiVersion": plan.owner.api_version,
                "kind": plan.owner.kind,
                "name": plan.owner.name,
                "controller": True,
                "uid": str(uuid5(NAMESPACE_DNS, f"{plan.owner.kind}/{plan.owner.name}")),
            }
        ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": _spec(plan),
        "status": _status(state, containers),
    }


def _spec(plan: PodPlan) -> dict[str, Any]:
    return {
        "serviceAccountName": plan.service_account,
        "nodeName": NODE_NAME,
        "restartPolicy": plan.restart_policy,
        "hostname": plan.spec.hostname,
        "subdomain": plan.spec.subdomain,
        "containers": [
            {
                "name": container.name,
                "image": container.image,
                "args": container.args[:2] if container.name == PROXY_CONTAINER else (),
                "ports": [
                    {"name": port.name, "containerPort": port.container_port}
                    | ({"protocol": port.protocol} if port.protocol != "TCP" else {})
                    for port in container.ports
                ],
            }
            for container in plan.spec.containers
        ],
    }


def _status(state: PodState, containers: dict[str, ContainerState]) -> dict[str, Any]:
    ready = "True" if state.ready else "False"
    return {
        "phase": state.phase,
        "podIP": state.address,
        "podIPs": [{"ip": state.address}] if state.address else [],
        "hostIP": HOST_ADDRESS,
        "conditions": [
            {"type": "Ready", "status": ready},
            {"type": "ContainersReady", "status": ready},
        ],
        "containerStatuses": [
            {
                "name": name,
                "ready": found.ready,
                "restartCount": found.restarts,
                "started": found.started,
            }
            for name, found in sorted(containers.items())
        ],
    }


class RuntimeFolder:
    """Owns the folder's files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[str, str] = {}

    def publish(self, plan: PodPlan, content: dict[str, Any]) -> None:
        text = json.dumps(content, indent=1, sort_keys=True)
        if self._written.get(plan.id) != text:
            self._written[plan.id] = text
            write_atomic(self._path(plan), text)

    def withdraw(self, plan: PodPlan) -> None:
        self._written.pop(plan.id, None)
        self._path(plan).unlink(missing_ok=True)

    def _path(self, plan: PodPlan) -> Path:
        return self._folder / f"{plan.namespace}.{plan.name}.json"
