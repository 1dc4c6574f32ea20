"""`lateen audit`: who did what to the mesh and what was decided; whether the trail is whole."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lateen.audit.line import Line

VERIFY = "verify"
COLUMNS = "{time}  {decision:<12} {action:<20} {who}  {object}{reason}"
EXAMPLES = """\
examples:
  lateen audit                                   the trail of the running mesh
  lateen audit --since 10m --decision refused
  lateen audit --identity ns/shop/sa/cart --follow
  lateen audit --action request -o json          what the proxies' policies decided
  lateen audit --folder /var/lib/lateen/audit
  lateen audit verify --key /etc/lateen/audit.key

`verify` exits 1 and names the first line that is not as it was written.
"""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "audit",
        help="show who did what and what was decided",
        description="Lists the audit trail, or checks that it is whole (verify).",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", nargs="?", default="", choices=["", VERIFY], metavar="verify")
    parser.add_argument("--mesh", "--name", default="", help="(default: the only one that runs)")
    parser.add_argument("--folder", default="", metavar="DIR", help="a trail by its folder")
    parser.add_argument(
        "--since", default="", metavar="10m|TIME", help="s, m, h or d ago, or a time (UTC)"
    )
    parser.add_argument("--identity", default="", help="part of who asked or was spoken of")
    parser.add_argument(
        "--decision", default="",
        choices=["", "accepted", "refused", "would-refuse", "audited", "noted"],
        metavar="DECISION", help="accepted, refused, would-refuse, audited or noted",
    )  # fmt: skip
    parser.add_argument("--action", default="", help="such as secret.deliver, or secret")
    parser.add_argument("--object", default="", help="part of what it was about")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as lines come")
    parser.add_argument("--key", default="", metavar="FILE", help="the trail's key, for verify")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")


def run(arguments: argparse.Namespace) -> int:
    folders = _folders(arguments)
    if arguments.what == VERIFY:
        return max(_verify(arguments, folder) for folder in folders)
    for line in _lines(arguments, folders):
        print(_json(line) if arguments.output == "json" else _text(line), flush=arguments.follow)
    return 0


def _folders(arguments: argparse.Namespace) -> "list[Path]":
    """The trail of the control plane and that of what the proxies decided."""
    from pathlib import Path

    from lateen.audit.errors import AuditError
    from lateen.local import state

    if arguments.folder:
        wanted = [Path(arguments.folder)]
    else:  # a mesh that is named need not run: its trail outlives it
        mesh = state.mesh(arguments.mesh) if arguments.mesh else state.chosen_mesh("")
        wanted = [mesh.audit, mesh.decisions]
    found = [folder for folder in wanted if folder.is_dir()]
    if not found:
        raise AuditError(f"there is no audit trail in {wanted[0]}; name another with --folder")
    return found


def _lines(arguments: argparse.Namespace, folders: "list[Path]") -> "Iterator[Line]":
    import time

    from lateen.audit import reading

    wanted = reading.Wanted(
        since=since(arguments.since, time.time()),
        identity=arguments.identity,
        decision=arguments.decision,
        action=arguments.action,
        object=arguments.object,
    )
    of_all = reading.followed(folders) if arguments.follow else reading.merged(folders)
    yield from filter(wanted.takes, of_all)


def since(written: str, now: float) -> str:
    """As lines write times. AuditError for what is neither an age nor a time."""
    from datetime import UTC, datetime

    from lateen.audit.errors import AuditError
    from lateen.audit.line import stamp

    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    if not written:
        return ""
    if written[:-1].isdecimal() and written[-1] in units:
        return stamp(max(0.0, now - int(written[:-1]) * units[written[-1]]))
    try:
        moment = datetime.fromisoformat(written)
    except ValueError as wrong:
        raise AuditError(
            f"--since {written!r} is neither an age, such as 10m, nor a time, such as "
            "2026-11-25T10:00:00Z"
        ) from wrong
    return stamp((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _verify(arguments: argparse.Namespace, folder: "Path") -> int:
    from pathlib import Path

    from lateen.audit.check import check
    from lateen.audit.key import read_key

    key = read_key(Path(arguments.key)) if arguments.key else b""
    verdict = check(folder, key=key)
    if arguments.output == "json":
        import json
        from dataclasses import asdict

        print(json.dumps({"folder": str(folder), **asdict(verdict)}, indent=2))
    elif verdict.broken is None:
        print(
            f"{folder}: {verdict.lines} lines in {verdict.files} files are whole, "
            f"{verdict.first} to {verdict.last}"
        )
    else:
        print(f"{folder}/{verdict.broken}", file=sys.stderr)
    return 0 if verdict.broken is None else 1


def _json(line: "Line") -> str:
    import msgspec

    return msgspec.json.encode(line).decode()


def _text(line: "Line") -> str:
    who = line.actor or line.peer or "-"
    reason = f": {line.reason}" if line.reason else ""
    return "".join(
        character if character.isprintable() else "?"  # names come from callers
        for character in COLUMNS.format(
            time=line.time,
            decision=line.decision,
            action=line.action,
            who=who,
            object=line.object,
            reason=reason,
        )
    )
