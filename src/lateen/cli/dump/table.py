"""Plain tables in columns, as istioctl prints them, and the other output formats."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

GAP = 5  # spaces between columns, as istioctl's


def print_table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = [tuple(heading), *(tuple(row) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(heading))]
    for row in table:
        line = "".join(cell.ljust(width + GAP) for cell, width in zip(row, widths, strict=True))
        print(line.rstrip())


def print_document(found: Any, output: str) -> None:
    """JSON or YAML, on standard output alone."""
    if output == "yaml":
        import yaml

        yaml.safe_dump(found, sys.stdout, sort_keys=False, default_flow_style=False)
        return
    json.dump(found, sys.stdout, indent=4)
    print()


def owner(resource: dict[str, Any]) -> str:
    """`name.namespace` of the user's resource that the metadata names; empty for none."""
    path = istio_metadata(resource).get("config", "")
    parts = path.split("/")
    return f"{parts[-1]}.{parts[-3]}" if len(parts) > 3 else ""


def istio_metadata(resource: dict[str, Any]) -> dict[str, Any]:
    found = resource.get("metadata", {}).get("filter_metadata", {}).get("istio", {})
    return found if isinstance(found, dict) else {}
