"""`lateen proxy-config`: what a proxy is configured with, read from Envoy itself or from a file."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lateen.cli.dump.source import ConfigDump
    from lateen.envoy.admin import Admin

EXAMPLES = """\
examples:
  lateen proxy-config cluster reviews-v1.shop --fqdn ratings --direction outbound
  lateen proxy-config listener reviews-v1.shop --port 15006
  lateen proxy-config route reviews-v1.shop --name 9080 -o json
  lateen proxy-config endpoint reviews-v1.shop --status unhealthy
  lateen proxy-config all -f dump.json          a saved /config_dump; - is standard input
  lateen proxy-config log reviews-v1.shop --level http:debug,rbac:debug
"""
OUTPUTS = ("short", "json", "yaml")
LEVELS = ("trace", "debug", "info", "warning", "error", "critical", "off")
DEFAULT_LEVEL = "warning"
USAGE_ERROR = 2


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "proxy-config",
        help="show what a proxy is configured with",
        description="Shows the configuration of a proxy, as tables or as Envoy's own messages.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    for add in (
        _add_cluster, _add_listener, _add_route, _add_endpoint, _add_secret, _add_bootstrap,
        _add_all, _add_log,
    ):  # fmt: skip
        add(kinds)


def run(arguments: argparse.Namespace) -> int:
    return int(arguments.show(arguments) or 0)


# -- the kinds and their options ---------------------------------------------------------------


def _kind(
    kinds: Any, name: str, aliases: tuple[str, ...], text: str, show: Callable[..., int]
) -> Any:
    parser = kinds.add_parser(name, aliases=list(aliases), help=text, description=text)
    parser.set_defaults(show=show)
    parser.add_argument(
        "workload", nargs="?", default="", metavar="NAME[.NAMESPACE]",
        help="a workload of the running mesh",
    )  # fmt: skip
    parser.add_argument("-n", "--namespace", default="", help="of the workload")
    parser.add_argument("--mesh", default="", metavar="NAME", help="default: the only one")
    parser.add_argument(
        "--admin", default="", metavar="SOCKET|HOST:PORT", help="ask this admin interface"
    )
    return parser


def _readable(parser: Any) -> None:
    parser.add_argument(
        "-f", "--file", default="", metavar="FILE",
        help="read a configuration dump (or what `lateen render` printed); - is standard input",
    )  # fmt: skip
    parser.add_argument("-o", "--output", choices=OUTPUTS, default="short")


def _add_cluster(kinds: Any) -> None:
    parser = _kind(kinds, "cluster", ("clusters", "c"), "clusters", _show_clusters)
    _readable(parser)
    parser.add_argument("--fqdn", default="", help="part of the service's host name")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--direction", default="", choices=("inbound", "outbound"))
    parser.add_argument("--subset", default="")


def _add_listener(kinds: Any) -> None:
    parser = _kind(kinds, "listener", ("listeners", "l"), "listeners", _show_listeners)
    _readable(parser)
    parser.add_argument("--address", default="")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--type", default="", help="HTTP, TCP or HTTP+TCP")
    _verbose(parser)


def _add_route(kinds: Any) -> None:
    parser = _kind(kinds, "route", ("routes", "r"), "route configurations", _show_routes)
    _readable(parser)
    parser.add_argument("--name", default="", help="of the route configuration")
    _verbose(parser)


def _add_endpoint(kinds: Any) -> None:
    parser = _kind(kinds, "endpoint", ("endpoints", "ep"), "endpoints", _show_endpoints)
    _readable(parser)
    parser.add_argument("--address", default="")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cluster", default="")
    parser.add_argument("--status", default="", help="healthy, unhealthy, draining, ...")


def _add_secret(kinds: Any) -> None:
    _readable(_kind(kinds, "secret", ("secrets", "s"), "certificates", _show_secrets))


def _add_bootstrap(kinds: Any) -> None:
    _readable(_kind(kinds, "bootstrap", ("b",), "the bootstrap configuration", _show_bootstrap))


def _add_all(kinds: Any) -> None:
    parser = _kind(kinds, "all", ("a",), "everything", _show_all)
    _readable(parser)
    _verbose(parser)


def _add_log(kinds: Any) -> None:
    parser = _kind(kinds, "log", (), "read or set the levels of Envoy's loggers", _show_log)
    parser.add_argument(
        "--level", default="", metavar="LEVEL|LOGGER:LEVEL,...",
        help=f"{', '.join(LEVELS)}; without a logger, of all",
    )  # fmt: skip
    parser.add_argument(
        "-r", "--reset", action="store_true", help=f"set all loggers to {DEFAULT_LEVEL}"
    )


def _verbose(parser: Any) -> None:
    parser.add_argument(
        "--verbose", action=argparse.BooleanOptionalAction, default=True,
        help="show matches and destinations",
    )  # fmt: skip


# -- reading -----------------------------------------------------------------------------------


def _dump(arguments: argparse.Namespace) -> "ConfigDump":
    from lateen.cli.dump import source

    if arguments.file:
        return source.from_file(arguments.file)
    return source.from_admin(_address(arguments))


def _address(arguments: argparse.Namespace) -> str:
    """The admin interface of the named workload's proxy."""
    from lateen.cli.dump.source import DumpError

    if arguments.admin:
        return str(arguments.admin)
    if not arguments.workload:
        raise DumpError("name a workload, or use --admin or -f")
    from lateen.local import state

    mesh = state.chosen_mesh(arguments.mesh)
    pod = state.find_pod(mesh, arguments.workload, arguments.namespace)
    if not pod.admin:
        raise DumpError(f"{pod.id} has no proxy")
    return pod.admin


# -- showing -----------------------------------------------------------------------------------


def _show(
    arguments: argparse.Namespace,
    found: list[Any],
    heading: tuple[str, ...],
    rows: Callable[[], list[tuple[str, ...]]],
) -> int:
    from lateen.cli.dump.table import print_document, print_table

    if arguments.output == "short":
        print_table(heading, rows())
    else:
        print_document(found, arguments.output)
    return 0


def _show_clusters(arguments: argparse.Namespace, dump: "ConfigDump | None" = None) -> int:
    from lateen.cli.dump import clusters

    found = clusters.select(
        (dump or _dump(arguments)).clusters,
        fqdn=getattr(arguments, "fqdn", ""),
        port=getattr(arguments, "port", 0),
        direction=getattr(arguments, "direction", ""),
        subset=getattr(arguments, "subset", ""),
    )
    return _show(arguments, found, clusters.HEADING, lambda: clusters.rows(found))


def _show_listeners(arguments: argparse.Namespace, dump: "ConfigDump | None" = None) -> int:
    from lateen.cli.dump import listeners

    found = listeners.select(
        (dump or _dump(arguments)).listeners,
        address=getattr(arguments, "address", ""),
        port=getattr(arguments, "port", 0),
        kind=getattr(arguments, "type", ""),
    )
    if arguments.verbose:
        return _show(arguments, found, listeners.HEADING, lambda: listeners.rows(found))
    return _show(arguments, found, listeners.SHORT_HEADING, lambda: listeners.short_rows(found))


def _show_routes(arguments: argparse.Namespace, dump: "ConfigDump | None" = None) -> int:
    from lateen.cli.dump import routes

    found = routes.select((dump or _dump(arguments)).routes, name=getattr(arguments, "name", ""))
    if arguments.verbose:
        return _show(arguments, found, routes.HEADING, lambda: routes.rows(found))
    return _show(arguments, found, routes.SHORT_HEADING, lambda: routes.short_rows(found))


def _show_endpoints(arguments: argparse.Namespace, dump: "ConfigDump | None" = None) -> int:
    from lateen.cli.dump import endpoints

    source = dump or _dump(arguments)
    known = (
        endpoints.of_statuses(source.statuses)
        if source.statuses
        else endpoints.of_assignments(source.endpoints, source.clusters)
    )
    found = endpoints.select(
        known,
        address=getattr(arguments, "address", ""),
        port=getattr(arguments, "port", 0),
        cluster=getattr(arguments, "cluster", ""),
        status=getattr(arguments, "status", ""),
    )
    shown = endpoints.documents(found)
    return _show(arguments, shown, endpoints.HEADING, lambda: endpoints.rows(found))


def _show_secrets(arguments: argparse.Namespace, dump: "ConfigDump | None" = None) -> int:
    from lateen.cli.dump import secrets

    found = (dump or _dump(arguments)).secrets
    shown = secrets.documents(found)
    return _show(arguments, shown, secrets.HEADING, lambda: secrets.rows(found))


def _show_bootstrap(arguments: argparse.Namespace) -> int:
    from lateen.cli.dump.table import print_document

    bootstrap = _dump(arguments).bootstrap
    print_document({"bootstrap": bootstrap}, "yaml" if arguments.output == "yaml" else "json")
    return 0


def _show_all(arguments: argparse.Namespace) -> int:
    from lateen.cli.dump.table import print_document

    dump = _dump(arguments)
    if arguments.output != "short":
        print_document(dump.document, arguments.output)
        return 0
    tables = (_show_clusters, _show_listeners, _show_routes, _show_endpoints, _show_secrets)
    for index, show in enumerate(tables):
        if index:
            print()
        show(arguments, dump)
    return 0


# -- logging -----------------------------------------------------------------------------------


def _show_log(arguments: argparse.Namespace) -> int:
    import sys

    from lateen.envoy import admin

    wanted = _levels(DEFAULT_LEVEL if arguments.reset else arguments.level)
    wrong = [level for _, level in wanted if level not in LEVELS]
    if wrong:
        print(
            f'lateen proxy-config log: "{wrong[0]}" is no level; one of {", ".join(LEVELS)}',
            file=sys.stderr,
        )
        return USAGE_ERROR
    proxy = admin.connect(_address(arguments))
    levels = _set(proxy, wanted) if wanted else proxy.log_levels()
    print("active loggers:")
    for name, level in sorted(levels.items()):
        print(f"  {name}: {level}")
    return 0


def _levels(text: str) -> list[tuple[str, str]]:
    """Logger (empty: all) and level, in the order written."""
    parts = (part.strip().rpartition(":") for part in text.split(",") if part.strip())
    return [("" if name == "all" else name, level) for name, _, level in parts]


def _set(proxy: "Admin", wanted: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, level in wanted:
        found |= proxy.set_log_level(level, name)
    return found
