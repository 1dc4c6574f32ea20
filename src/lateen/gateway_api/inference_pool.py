"""InferencePools: model servers that routes name as one backend.

    InferencePool  ->  a headless Service over the pool's pods  ->  destination of routes

The Service has a name of its own, so that it cannot collide with the user's. Which endpoint takes a
request is for the proxy's load balancing: the pool's endpoint picker is not asked.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from lateen.api.gateway_api.inference import InferencePoolSpec
from lateen.api.resource import Resource

GROUP = "inference.networking.k8s.io"
KIND = "InferencePool"
MARK = "-ip-"
HASH_LENGTH = 8
LONGEST_NAME = 63  # of a Service: a DNS label
FIRST_PORT = 54321
POOL = "istio.io/inferencepool-name"
PICKER = "istio.io/inferencepool-extension-service"
PICKER_PORT = "istio.io/inferencepool-extension-port"
FAILURE_MODE = "istio.io/inferencepool-extension-failure-mode"
DEFAULT_PICKER_PORT = 9002


def service_name(pool: str) -> str:
    """`<pool>-ip-<hash>`, cut to what a Service may be called."""
    digest = hashlib.sha256(pool.encode()).hexdigest()[:HASH_LENGTH]
    return f"{pool[: LONGEST_NAME - len(MARK) - HASH_LENGTH]}{MARK}{digest}"


def service(pool: Resource[InferencePoolSpec]) -> dict[str, Any]:
    """The document of the Service that stands for a pool."""
    picker = pool.spec.endpoint_picker_ref
    port = picker.port.number if picker is not None and picker.port is not None else 0
    owner = {
        "apiVersion": pool.api_version,
        "kind": KIND,
        "name": pool.name,
        "uid": pool.meta.uid,
    }
    labels = {
        POOL: pool.name,
        PICKER: picker.name if picker is not None else "",
        PICKER_PORT: str(port or DEFAULT_PICKER_PORT),
        FAILURE_MODE: picker.failure_mode if picker is not None else "FailClose",
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": service_name(pool.name),
            "namespace": pool.namespace,
            "labels": labels,
            "ownerReferences": [owner],
        },
        "spec": {
            "selector": dict(_selector(pool)),
            "ports": list(_ports(pool)),
            "type": "ClusterIP",
            "clusterIP": "None",
        },
    }


def _selector(pool: Resource[InferencePoolSpec]) -> dict[str, str]:
    return pool.spec.selector.match_labels if pool.spec.selector is not None else {}


def _ports(pool: Resource[InferencePoolSpec]) -> Iterator[dict[str, Any]]:
    for index, target in enumerate(pool.spec.target_ports):
        yield {
            "name": f"http-{index}",
            "protocol": "TCP",
            "port": FIRST_PORT + index,
            "targetPort": target.number,
        }
