"""`lateen ca`: the running certificate authority: its roots, their change, evictions."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = """\
examples:
  lateen ca status
  lateen ca rotate start                    the whole change of root, over two leaf lives
  lateen ca rotate add                      or stage by stage: the next root is trusted,
  lateen ca rotate switch                   then it signs,
  lateen ca rotate remove                   then the old one is trusted no more
  lateen ca evict shop/front                no more certificates and connections for an identity
  lateen ca readmit shop/front
  lateen ca status --state /var/lib/lateen  of a control plane without `lateen up`

A step that would break working proxies is refused with the time at which it will not be.
"""
STEPS = {
    "start": "add a root, and switch and remove when nothing can break",
    "add": "make the next root and tell every proxy to trust it",
    "switch": "sign with the root that waits",
    "remove": "stop trusting a root that no longer signs, and destroy its key",
}
HEADING = ("ROOT", "SOURCE", "ROLE", "ENDS", "TRUSTED SINCE", "KNOWN TO ALL AT", "LEAVES END")
GAP = 2


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "ca",
        help="show and change the certificate authority",
        description="Shows and changes the certificate authority of a running mesh.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add(actions, "status", "show what signs, what is trusted and what comes next")
    rotate = actions.add_parser("rotate", help="change the root")
    steps = rotate.add_subparsers(dest="step", metavar="STEP", required=True)
    for step, text in STEPS.items():
        added = _add(steps, step, text)
        if step in ("switch", "remove"):
            added.add_argument("--force", action="store_true", help="even if working proxies break")
        if step == "remove":
            added.add_argument(
                "root", nargs="?", default="", help="its id or the begin of it (default: the "
                "one that no longer signs)",
            )  # fmt: skip
    for action, text in (
        ("evict", "issue no more certificates to an identity, and end its connections"),
        ("readmit", "let an evicted identity in again"),
    ):
        _add(actions, action, text).add_argument(
            "identity", help="spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT or NAMESPACE/ACCOUNT"
        )


def _add(actions: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text + ".")
    parser.add_argument("--name", "--mesh", default="", help="of the mesh (default: the only one)")
    parser.add_argument(
        "--state", default="", metavar="DIR", help="the control plane's state folder instead"
    )
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """1 when the signer that is offered is not in force."""
    from lateen.ca import admin_socket

    answer = admin_socket.ask(_folder(arguments), _request(arguments))
    if arguments.output == "json":
        import json

        print(json.dumps(answer, indent=2))
    else:
        _TEXTS[arguments.action](answer, arguments)
    return 1 if answer.get("trouble") else 0


def _folder(arguments: argparse.Namespace) -> "Path":
    from pathlib import Path

    if arguments.state:
        return Path(arguments.state)
    from lateen.local import state

    return state.chosen_mesh(arguments.name).control


def _request(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.action == "rotate":
        command = "add" if arguments.step == "start" else arguments.step
        return {
            "command": command,
            "automatic": arguments.step == "start",
            "root": getattr(arguments, "root", ""),
            "force": getattr(arguments, "force", False),
        }
    return {"command": arguments.action, "identity": getattr(arguments, "identity", "")}


def _print_status(answer: dict[str, Any], arguments: argparse.Namespace) -> None:
    sealed = "encrypted" if answer["keys_encrypted"] else "not encrypted (file mode 0600)"
    print(f"signer        {answer['signer']}, trust domain {answer['trust_domain']}")
    print(f"keys at rest  {sealed}")
    print(f"certificates  {answer['live_certificates']} live")
    following = answer["next"]
    if following:
        print(f"next          {following['step']} {following['root']} at {following['at']}")
    if answer["unaware"]:
        print(f"unconfirmed   {len(answer['unaware'])} proxies: {', '.join(answer['unaware'][:5])}")
    rows = [
        (
            root["id"], root["source"], root["role"], root["ends"], root["trusted_since"],
            root["known_to_all_at"] or "now", root["leaves_end"] or "none live",
        )
        for root in answer["roots"]
    ]  # fmt: skip
    print()
    _print_table([HEADING, *rows])
    for identity, since in answer["evicted"].items():
        how = "revoked" if answer["revocation_lists"] else "until its certificates end"
        print(f"\nevicted       {identity} since {since} ({how})")
    if answer["trouble"]:
        print(
            f"\nlateen: {answer['trouble']}; the last good signer stays in force", file=sys.stderr
        )


def _print_rotation(answer: dict[str, Any], arguments: argparse.Namespace) -> None:
    root = answer["root"]
    if arguments.step == "add":
        print(f"root {root} is trusted beside the present one; every proxy has it for certain at")
        print(f"{answer['known_to_all_at']}. Next: lateen ca rotate switch")
    elif arguments.step == "start":
        print(f"root {root} is trusted; it signs after {answer['known_to_all_at']}, and the old")
        print("root goes when the last certificate below it has ended")
    elif arguments.step == "switch":
        print(f"root {root} signs; the last certificate below the old one ends at")
        print(f"{answer['old_leaves_end']}. Next: lateen ca rotate remove")
    else:
        print(f"root {root} is trusted no more and its key is destroyed")


def _print_eviction(answer: dict[str, Any], arguments: argparse.Namespace) -> None:
    print(f"{answer['identity']} gets no more certificates")
    print(f"connections to the control plane that were ended: {answer['disconnected']}")
    if answer["revoked"]:
        print("new connections that show its certificates are refused as proxies are told, now;")
    print(f"the last of its certificates ends at {answer['certificates_end']}")


def _print_readmission(answer: dict[str, Any], arguments: argparse.Namespace) -> None:
    print(f"{answer['identity']} may have certificates again")


_TEXTS = {
    "status": _print_status,
    "rotate": _print_rotation,
    "evict": _print_eviction,
    "readmit": _print_readmission,
}


def _print_table(table: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in table) + GAP for column in range(len(HEADING))]
    for row in table:
        print("".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
