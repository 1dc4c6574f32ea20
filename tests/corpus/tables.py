"""Rows of the corpus' tables, and Istio's model of services as resources that say the same."""

import re
from typing import Any

import yaml

from lateen.api.resource import Change
from lateen.config import documents
from lateen.view.mesh import Mesh, Settings
from tests.corpus.passing import corpus_folder

Row = dict[str, Any]
REPEATED = re.compile(r"#\d+$")  # of a case whose name is there already
RESOLUTIONS = ("STATIC", "DNS", "NONE", "DNS_ROUND_ROBIN", "NONE")


def rows(table: str) -> list[Row]:
    """`PACKAGE/TEST`, as the corpus names it."""
    folder = corpus_folder()
    assert folder is not None
    found = yaml.safe_load((folder / "tables" / f"{table}.yaml").read_text())
    assert isinstance(found, list)
    return found


def name(row: Row) -> str:
    """The row's own name: what a column `name` held before it went into `case`."""
    return REPEATED.sub("", row["case"].split("/Test", 1)[1].partition("/")[2])


def mesh_of(*resources: dict[str, Any], settings: Settings | None = None) -> Mesh:
    reading = documents.read(yaml.safe_dump_all(resources), "table.yaml")
    mesh = Mesh(settings)
    mesh.apply([Change(each.key, each) for each in reading.resources])
    return mesh


def networking(kind: str, row: Row, *, name: str = "", namespace: str = "") -> dict[str, Any]:
    """An object of Istio's networking API from the corpus' form."""
    version = {"ProxyConfig": "v1beta1", "EnvoyFilter": "v1alpha3"}.get(kind, "v1")
    metadata = {
        "name": row.get("name") or name,
        "namespace": row.get("namespace") or namespace,
        "labels": row.get("labels") or {},
        "annotations": row.get("annotations") or {},
    }
    return {
        "apiVersion": f"networking.istio.io/{version}",
        "kind": kind,
        "metadata": metadata,
        "spec": row.get("spec") or {},
    }


def service_entry(index: int, service: Row) -> dict[str, Any]:
    """A ServiceEntry that defines the service; `index` tells its age."""
    attributes = service.get("attributes") or {}
    spec = {
        "hosts": [service["hostname"]],
        "resolution": RESOLUTIONS[service.get("resolution") or 0],
        "location": "MESH_EXTERNAL" if service.get("meshExternal") else "MESH_INTERNAL",
        "exportTo": list(attributes.get("exportTo") or ()),
        "ports": [
            {"name": port["name"], "number": port["port"], "protocol": port.get("protocol") or ""}
            for port in service.get("ports") or ()
        ],
    }
    row = {"namespace": attributes.get("namespace"), "spec": spec}
    return networking("ServiceEntry", row, name=f"service-{index:03}", namespace="default")
