"""`lateen echo`: an application for a mesh to carry, which tells what it saw of each request."""

import argparse
from typing import Any


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    parser = subparsers.add_parser(
        "echo",
        help="run an application that answers with what it saw",
        description="Answers HTTP/1.1, HTTP/2, gRPC, WebSocket and TCP with what it saw of the "
        "request: headers, protocol, the caller's identity, and who answered. The environment "
        "(WORKLOAD, VERSION, NAMESPACE, POD_NAME, SERVICE_ACCOUNT) says who that is; "
        "ECHO_FORWARD_HEADERS names headers handed on by /call besides those of traces.",
    )
    parser.add_argument("--http", type=int, action="append", metavar="PORT", help="HTTP, any kind")
    parser.add_argument("--grpc", type=int, action="append", metavar="PORT", help="as --http")
    parser.add_argument(
        "--https", type=int, action="append", metavar="PORT", help="as --http, over TLS"
    )
    parser.add_argument(
        "--certificate", metavar="FILE", help="PEM file of chain and key, for --https"
    )
    parser.add_argument("--tcp", type=int, action="append", metavar="PORT", help="echo of lines")
    parser.add_argument(
        "--tcp-greeting", action="store_true", help="the TCP ports speak first, as databases do"
    )
    parser.add_argument(
        "--upstream",
        action="append",
        default=[],
        metavar="PREFIX=URL",
        help="answer paths under PREFIX by a call to URL",
    )
    parser.add_argument(
        "--fail-rate", type=float, default=0.0, metavar="0..1", help="answer this share with 503"
    )
    parser.add_argument(
        "--bind", help="address to listen on (default: $LATEEN_BIND, $HOST or all)", default=""
    )


def run(args: argparse.Namespace) -> int:
    import asyncio
    import contextlib
    import os
    import sys
    from pathlib import Path
    from random import Random

    from lateen.echo import application, identity, server

    try:
        upstreams = sorted((application.upstream(text) for text in args.upstream), reverse=True)
    except ValueError as trouble:
        print(f"lateen echo: {trouble}", file=sys.stderr)
        return 2
    handed_on = os.environ.get("ECHO_FORWARD_HEADERS", "").lower().split(",")
    names = frozenset(name.strip() for name in handed_on if name.strip())
    app = application.Application(
        identity=identity.Identity.of(os.environ),
        environment=os.environ,
        random=Random(),
        forwarded=application.TRACE_HEADERS | names,
        upstreams=tuple(upstreams),
        fail_rate=args.fail_rate,
    )
    http = (*(args.http or ()), *(args.grpc or ()))
    if args.https and not args.certificate:
        print("lateen echo: --https needs a --certificate", file=sys.stderr)
        return 2
    if not http and not args.tcp and not args.https:
        http = (8080,)
    bind = args.bind or os.environ.get("LATEEN_BIND") or os.environ.get("HOST") or "0.0.0.0"
    ports = server.Ports(
        bind=bind,
        http=http,
        https=tuple(args.https or ()),
        certificate=Path(args.certificate) if args.certificate else None,
        tcp=tuple(args.tcp or ()),
        tcp_greeting=args.tcp_greeting,
    )
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(server.run(app, ports))
    except OSError as trouble:
        print(f"lateen echo: {trouble}", file=sys.stderr)
        return 1
    return 0
