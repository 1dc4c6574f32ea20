"""`lateen token`: tokens with which workloads join a mesh."""

import argparse
from typing import Any

EXAMPLES = """\
examples:
  lateen token create --namespace shop --service-account cart > cart.token
  lateen token create --namespace shop --service-account cart --ttl 1h --app cart --version v2

The token buys one certificate, for that identity alone, before it expires; from then on the
workload renews its certificate with the one it has. With labels the workload is bound to them.
"""
UNITS = {"s": 1, "m": 60, "h": 3600}


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "token",
        help="make a token with which a workload joins",
        description="Makes a join token. Whoever holds it can join once, so hand it on privately.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=["create"], metavar="create")
    parser.add_argument("-n", "--namespace", required=True)
    parser.add_argument("--service-account", required=True, metavar="ACCOUNT")
    parser.add_argument("--ttl", default="15m", metavar="15m", help="up to 24h (default: 15m)")
    parser.add_argument("--workload", default="", help="the workload's name")
    parser.add_argument("--app", default="", help="its label app")
    parser.add_argument("--version", default="", help="its label version")
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    from lateen.cli import control_admin

    control_admin.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    from urllib.parse import urlencode

    from lateen.cli import control_admin

    asked = {
        "namespace": arguments.namespace,
        "service-account": arguments.service_account,
        "ttl-seconds": _seconds(arguments.ttl),
    }
    labels = {"workload": arguments.workload, "app": arguments.app, "version": arguments.version}
    asked |= {name: value for name, value in labels.items() if value}
    made = control_admin.of(arguments).json(f"/tokens?{urlencode(asked)}", "POST")
    if arguments.output == "json":
        import json

        print(json.dumps(made, indent=2))
    else:
        print(made["token"])
    return 0


def _seconds(written: str) -> int:
    from lateen.identity.errors import IdentityError

    number, unit = written[:-1], written[-1:]
    if not number.isdecimal() or unit not in UNITS:
        raise IdentityError(f"--ttl {written!r} is no time; write 30s, 15m or 2h")
    return int(number) * UNITS[unit]
