"""Suite `authz`: AuthorizationPolicies and the filters that enforce them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from lateen.api.resource import Change
from lateen.config import documents
from lateen.envoy import messages, types
from lateen.translate.authorization import filters
from lateen.view.mesh import Mesh, Settings
from lateen.view.proxy import ProxyClass
from tests.corpus import passing

SUITE = "authz"


def test_every_listed_case_passes(update_passing: bool) -> None:
    folder = passing.corpus_folder()
    assert folder is not None
    suite = json.loads(Path(folder, SUITE, "cases.json").read_text())

    verdicts = {
        case["name"]: verdict(Path(folder, SUITE), suite["proxy"], case) for case in suite["cases"]
    }

    passing.check(SUITE, verdicts, update=update_passing)


def verdict(folder: Path, proxy: dict[str, Any], case: dict[str, Any]) -> str:
    try:
        return "; ".join(differences(folder, proxy, case))
    except Exception as trouble:
        return f"{type(trouble).__name__}: {trouble}"


def differences(folder: Path, proxy: dict[str, Any], case: dict[str, Any]) -> Iterator[str]:
    domains = case["trust_domain"] or {}
    config = dict(case["mesh_config"] or {})
    if domains:
        config |= {"trustDomain": domains["primary"], "trustDomainAliases": domains["aliases"]}
    mesh = Mesh(Settings(mesh_config=json.dumps(config) if config else None))
    read = documents.read(Path(folder, case["input"]).read_text(), "case.yaml")
    mesh.apply(Change(each.key, each) for each in (*read.resources, *provider().resources))
    workload = ProxyClass(
        namespace=proxy["namespace"], labels=tuple(sorted(proxy["labels"].items()))
    )
    is_tcp = case["filter_kind"] == "tcp"
    built = filters.network_filters if is_tcp else filters.http_filters
    found = [messages.to_json(each) for each in built(mesh, workload)]
    wanted = [golden(Path(folder, each), is_tcp=is_tcp) for each in case["expected_filters"]]
    if found != wanted:
        yield f"{json.dumps(found)} is not {json.dumps(wanted)}"


def provider() -> documents.Reading:
    """The one service that every case knows."""
    return documents.read(
        """
apiVersion: v1
kind: Service
metadata: {name: my-custom-ext-authz, namespace: foo}
spec: {clusterIP: 10.0.0.1, ports: [{name: grpc, port: 9000}]}
""",
        "provider.yaml",
    )


def golden(file: Path, *, is_tcp: bool) -> dict[str, Any]:
    """Read as a message, so that both spellings of field names are the same."""
    made = types.Filter() if is_tcp else types.HttpFilter()
    message = messages.from_json(yaml.safe_load(file.read_text()), made.DESCRIPTOR.full_name)
    return messages.to_json(message)
