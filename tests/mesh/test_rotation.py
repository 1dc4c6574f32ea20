"""Certificates of a few seconds' life, under traffic whose every request shakes hands anew."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from lateen.agent import http1
from lateen.agent.address import Address
from tests.mesh.running import RunningMesh, eventually, lost

pytestmark = [pytest.mark.envoy, pytest.mark.root]

RATE = 100  # requests a second
SECONDS = 12
WORKLOAD = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: hasty, namespace: app}
---
apiVersion: v1
kind: Service
metadata: {name: hasty, namespace: app}
spec:
  selector: {app: hasty}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: hasty, namespace: app}
spec:
  selector: {matchLabels: {app: hasty}}
  template:
    metadata:
      labels: {app: hasty}
      annotations:
        proxy.istio.io/config: |
          proxyMetadata:
            SECRET_TTL: 6s
    spec:
      serviceAccountName: hasty
      containers:
      - name: hasty
        image: lateen/echo
        command: [lateen, echo, --http=8080]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: hasty, namespace: app}
spec:
  host: hasty
  trafficPolicy:
    connectionPool: {http: {maxRequestsPerConnection: 1}}
"""


def serial(mesh: RunningMesh) -> str:
    """Of the certificate that the workload's proxy presents at this moment."""
    (pod,) = mesh.pods("hasty")
    socket = Address(path=str(Path(pod["admin"])))
    page = json.loads(asyncio.run(http1.fetch(socket, "/certs", timeout=5)).body)
    chains: list[Any] = [entry["cert_chain"] for entry in page["certificates"]]
    return next(str(chain[0]["serial_number"]) for chain in chains if chain)


def test_rotation_loses_no_request(mesh: RunningMesh) -> None:
    mesh.apply("hasty.yaml", WORKLOAD)
    url = "http://hasty.app/"
    eventually(
        lambda: mesh.call("client.app", url), lambda answer: answer.status == 200, seconds=40
    )
    before = serial(mesh)

    answers = mesh.calls("client.app", url, rate=RATE, seconds=SECONDS, concurrency=32)

    assert len(answers) == SECONDS * RATE
    assert not lost(answers)
    assert serial(mesh) != before
