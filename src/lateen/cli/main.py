"""The `lateen` command: finds the subcommand and loads it, and nothing else.

Each command is a module of this package with two functions:

    add_parser(commands) -> None    adds its argparse parser, with examples
    run(arguments) -> int           0 fine, 1 findings or a failed check, 2 wrong usage

A module imports what it needs inside `run`, so that `--help` stays fast.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

COMMANDS = {  # name: (module, one line for the overview)
    "up": ("up", "run a mesh on this machine from a folder of manifests"),
    "down": ("down", "stop a running mesh and remove what it left"),
    "status": ("status", "show the running meshes and their workloads"),
    "logs": ("logs", "print the log of a workload or its proxy"),
    "exec": ("exec", "run a command in a workload's place"),
    "proxy-status": ("proxy_status", "show how up to date each proxy is"),
    "proxy-config": ("proxy_config", "show what a proxy is configured with"),
    "conditions": ("conditions", "show the statuses of Gateway API objects and Ingresses"),
    "render": ("render", "print what one proxy would be sent"),
    "validate": ("validate", "check manifests one document at a time"),
    "generate": ("generate", "derive manifests from the mesh's configuration"),
    "ca": ("ca", "show and change the certificate authority"),
    "audit": ("audit", "show who did what and what was decided"),
    "token": ("token", "make a token with which a workload joins"),
    "control": ("control", "run the control plane alone"),
    "agent": ("agent", "run the agent beside a workload"),
    "rate-limit": ("rate_limit", "count requests for all proxies together"),
    "echo": ("echo", "run an application that answers with what it saw"),
    "completion": ("completion", "print a completion script for a shell"),
    "version": ("version", "print the version"),
}

GROUPS = {
    "A mesh on this machine": ("up", "down", "status", "logs", "exec"),
    "Look and check": (
        "proxy-status",
        "proxy-config",
        "conditions",
        "render",
        "validate",
        "generate",
    ),
    "Security": ("ca", "audit", "token"),
    "Parts": ("control", "agent", "rate-limit", "echo"),
    "Other": ("completion", "version"),
}

ALIASES = {"ps": "proxy-status", "pc": "proxy-config"}

USAGE_ERROR = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        print(overview())
        return 0 if words else USAGE_ERROR
    if words[0] == "--version":
        words[0] = "version"
    name = ALIASES.get(words[0], words[0])
    if name not in COMMANDS:
        print(unknown(words[0]), file=sys.stderr)
        return USAGE_ERROR
    module = importlib.import_module(f"lateen.cli.{COMMANDS[name][0]}")
    root = argparse.ArgumentParser(prog="lateen", allow_abbrev=False)
    commands = root.add_subparsers(dest="command", metavar="COMMAND", parser_class=Exact)
    module.add_parser(commands)
    return guarded(module.run, root.parse_args([name, *words[1:]]))


class Exact(argparse.ArgumentParser):
    """Takes no abbreviated options: they change their meaning when an option is added."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **settings})


def guarded(run: object, arguments: argparse.Namespace) -> int:
    """Turns Lateen's own errors into one line, and a closed pipe or Ctrl-C into silence."""
    from lateen.base.errors import LateenError

    assert callable(run)
    try:
        return int(run(arguments) or 0)
    except LateenError as trouble:
        print(f"lateen: {trouble}", file=sys.stderr)
        return USAGE_ERROR
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED


def overview() -> str:
    lines = ["Lateen is a service mesh that speaks Istio's language and runs anywhere.", ""]
    lines += ["usage: lateen COMMAND [...]    lateen COMMAND --help    lateen --version"]
    for title, names in GROUPS.items():
        lines += ["", f"{title}:"]
        lines += [f"  {name:<14}{COMMANDS[name][1]}" for name in names]
    lines += ["", "Start here:"]
    lines += ["  lateen up examples/threat-modeling      a whole mesh, from its manifests"]
    lines += ["  lateen validate -f routes.yaml          mistakes, with line and remedy"]
    return "\n".join(lines)


def unknown(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, [*COMMANDS, *ALIASES], n=1)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    return f'lateen: there is no command "{word}"{hint} (lateen --help lists them)'


if __name__ == "__main__":
    sys.exit(main())
