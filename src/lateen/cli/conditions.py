"""`lateen conditions`: what the control plane says of Gateway API objects and Ingresses."""

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from lateen.cli import control_admin

HEADING = ("KIND", "NAMESPACE", "NAME", "ACCEPTED", "PROGRAMMED", "RESOLVED", "ADDRESS")
SHOWN = ("Accepted", "Programmed", "ResolvedRefs")
GAP = 3
PAGE = "/debug/statuses"
EXAMPLES = """\
examples:
  lateen conditions
  lateen conditions HTTPRoute -n shop
  lateen conditions --mesh shop -o json

With several parents or targets a condition holds when it holds for all of them. What does not
hold is explained below the table. Without a running mesh: lateen render --status FOLDER
"""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "conditions",
        help="show the statuses of Gateway API objects and Ingresses",
        description="Shows whether Gateways, routes and policies of the running mesh are in force.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", nargs="?", default="", metavar="KIND")
    parser.add_argument("-n", "--namespace", default="", help="of the objects (default: all)")
    parser.add_argument("-o", "--output", choices=["json", "table"], default="table")
    control_admin.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """1 when a condition does not hold."""
    found = [each for each in control_admin.of(arguments).json(PAGE) if _is_wanted(each, arguments)]
    reasons = [line for each in found for line in _reasons(each)]
    if arguments.output == "json":
        import json

        print(json.dumps(found, indent=2))
        return 1 if reasons else 0
    _print_table([HEADING, *(_row(each) for each in found)])
    if reasons:
        print("\n" + "\n".join(reasons))
    if not found:
        print("lateen: no such objects", file=sys.stderr)
    return 1 if reasons else 0


def _is_wanted(document: dict[str, Any], arguments: argparse.Namespace) -> bool:
    kind = arguments.kind.lower()
    namespace = document["metadata"].get("namespace", "")
    return kind in ("", document["kind"].lower()) and arguments.namespace in ("", namespace)


def _row(document: dict[str, Any]) -> tuple[str, ...]:
    metadata, conditions = document["metadata"], list(_conditions(document["status"]))
    return (
        document["kind"],
        metadata.get("namespace", "-"),
        metadata["name"],
        *(_state(conditions, kind) for kind in SHOWN),
        ",".join(_addresses(document["status"])) or "-",
    )


def _conditions(status: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """All of an object, each with the parent, target or listener that it is about."""
    for condition in status.get("conditions") or ():
        yield "", condition
    for part in (*(status.get("parents") or ()), *(status.get("ancestors") or ())):
        reference = part.get("parentRef") or part.get("ancestorRef") or {}
        about = f"{reference.get('kind', 'Gateway')} {reference.get('name', '')}"
        for condition in part["conditions"]:
            yield about, condition
    for listener in status.get("listeners") or ():
        for condition in listener["conditions"]:
            yield f"listener {listener['name']}", condition


def _state(conditions: list[tuple[str, dict[str, str]]], kind: str) -> str:
    states = {each["status"] for _, each in conditions if each["type"] == kind}
    if not states:
        return "-"
    return "yes" if states == {"True"} else "NO"


def _addresses(status: dict[str, Any]) -> Iterator[str]:
    for each in status.get("addresses") or ():
        yield each["value"]
    for each in (status.get("loadBalancer") or {}).get("ingress") or ():
        yield each.get("ip") or each["hostname"]


def _reasons(document: dict[str, Any]) -> Iterator[str]:
    metadata = document["metadata"]
    place = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
    for about, condition in _conditions(document["status"]):
        if condition["type"] in SHOWN and condition["status"] == "False":
            subject = f"{document['kind']} {place}{f', {about}' if about else ''}"
            yield f"{subject}: {condition['reason']}: {condition['message']}"


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) + GAP for column in range(len(HEADING))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("".join(cells).rstrip())
