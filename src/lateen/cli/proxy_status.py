"""`lateen proxy-status`: how up to date each proxy is, and what it rejected."""

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from lateen.cli import control_admin

COLUMNS = ("CDS", "LDS", "EDS", "RDS", "ECDS")
HEADING = ("NAME", "CLUSTER", *COLUMNS, "ISTIOD", "VERSION")
DETAILS = ("TYPE", "STATUS", "RESOURCES", "SENT", "ACKNOWLEDGED")
CONTROL = "lateen"
COMPARED = {  # what Envoy's config dump calls each type
    "Clusters": "ClustersConfigDump",
    "Listeners": "ListenersConfigDump",
    "Routes": "RoutesConfigDump",
}
DYNAMIC = ("dynamic_active_clusters", "dynamic_listeners", "dynamic_route_configs")
RESOURCES = ("cluster", "listener", "route_config")
GAP = 5
EXAMPLES = """\
examples:
  lateen proxy-status
  lateen proxy-status reviews-v1.shop
  lateen proxy-status reviews-v1-6d8f.shop
  lateen proxy-status --admin-address 127.0.0.1:15014 -o json

SYNCED    the proxy acknowledged the last response
STALE     a response was sent, or waits to be, and is not acknowledged
NOT SENT  there was nothing to send
ERROR     the proxy rejected the last response; the reason is printed below the table

For one proxy of a mesh on this machine, what its Envoy holds is compared with what it was sent.
"""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "proxy-status",
        help="show how up to date each proxy is",
        description="Shows for each connected proxy whether it has the configuration in force.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("proxy", nargs="?", default="", metavar="NAME[.NAMESPACE]")
    parser.add_argument("-n", "--namespace", default="", help="of the proxy, or of those listed")
    parser.add_argument("-o", "--output", choices=["json", "table"], default="table")
    control_admin.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """1 when a proxy rejects its configuration, or a part of it."""
    control = control_admin.of(arguments)
    connected = _proxies(control)
    proxies = _wanted(connected, arguments)
    if arguments.proxy and not proxies:
        names = ", ".join(sorted(str(each["proxy"]) for each in connected)) or "none"
        print(
            f"lateen: no proxy {arguments.proxy!r} is connected; there are: {names}",
            file=sys.stderr,
        )
        return 2
    if arguments.output == "json":
        import json

        print(json.dumps(proxies, indent=4))
    elif arguments.proxy:
        for proxy in proxies:
            _print_details(proxy)
            _print_comparison(control, proxy["proxy"], arguments)
    else:
        _print_table(HEADING, [_row(proxy) for proxy in proxies])
    rejections = [line for proxy in proxies for line in _rejections(proxy)]
    if arguments.output != "json":
        print("".join(f"\n{line}" for line in rejections), end="\n" if rejections else "")
    return 1 if rejections else 0


def _proxies(control: control_admin.ControlAdmin) -> list[dict[str, Any]]:
    found = control.json("/debug/syncz")
    return found if isinstance(found, list) else []


def _wanted(connected: list[dict[str, Any]], arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """By the names of pods; on this machine also by those of workloads, as in `proxy-config`."""
    namespace, wanted = arguments.namespace, arguments.proxy.rpartition("/")[2]
    found = [each for each in connected if is_named(each["proxy"], wanted, namespace)]
    if found or arguments.admin_address:
        return found
    from lateen.local import state

    pods = state.chosen_mesh(arguments.name).status().pods
    of = {pod.id for pod in pods if is_named(f"{pod.workload}.{pod.namespace}", wanted, namespace)}
    return [each for each in connected if each["proxy"] in of]


def is_named(full: str, wanted: str, namespace: str) -> bool:
    """Whether `NAME.NAMESPACE` is what was asked for: `NAME`, the whole, or nothing."""
    name, _, of = full.rpartition(".")
    return namespace in ("", of) and wanted in ("", name, full)


def _row(proxy: dict[str, Any]) -> tuple[str, ...]:
    states = (proxy["types"][column]["state"] for column in COLUMNS)
    return (proxy["proxy"], proxy["cluster"], *states, CONTROL, proxy["version"])


def _print_details(proxy: dict[str, Any]) -> None:
    print(f"{proxy['proxy']} ({proxy['protocol']}, from {proxy['address']})")
    rows: list[tuple[str, ...]] = [
        (name, of["state"], str(of["resources"]), of["sent_nonce"], of["acknowledged_nonce"])
        for name, of in proxy["types"].items()
    ]
    _print_table(DETAILS, rows)


def _print_comparison(
    control: control_admin.ControlAdmin, name: str, arguments: argparse.Namespace
) -> None:
    """Says for each type whether the proxy's Envoy holds what it was sent, by versions."""
    if arguments.admin_address:
        return  # no mesh on this machine whose proxies could be asked
    from lateen.envoy.admin import Admin
    from lateen.local import state

    pod = state.find_pod(state.chosen_mesh(arguments.name), name)
    if not pod.admin:
        return
    sent = versions(control.json(f"/debug/config_dump?proxyID={name}"))
    held = versions(Admin(pod.admin).config_dump(with_endpoints=False))
    print()
    for title, message in COMPARED.items():
        differing = sorted(set(sent[message].items()) ^ set(held[message].items()))
        print(f"{title} {'differ' if differing else 'match'}")
        for resource, _ in dict(differing).items():
            sent_version = sent[message].get(resource, "none")
            print(
                f"    {resource}: sent {sent_version}, held {held[message].get(resource, 'none')}"
            )


def versions(dump: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Version by resource name, for each kind of dump that is compared; from discovery only."""
    found: dict[str, dict[str, str]] = {message: {} for message in COMPARED.values()}
    for part in dump.get("configs", ()):
        message = str(part.get("@type", "")).rpartition(".")[2]
        if message in found:
            found[message].update(_versions(part))
    return found


def _versions(part: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for items in DYNAMIC:
        for item in part.get(items, ()):
            state = item.get("active_state", item)
            resource: dict[str, Any] = next((state[of] for of in RESOURCES if of in state), {})
            name = item.get("name") or resource.get("name", "")
            yield name, state.get("version_info", "")


def _rejections(proxy: dict[str, Any]) -> Iterator[str]:
    for name, of in proxy["types"].items():
        if of["state"] != "ERROR":
            continue
        yield f"{proxy['proxy']} rejected {name} {', '.join(of['rejected'])}: {of['reason']}"
        for source in of["sources"]:
            yield f"    made from {source}"
    for part, reason in proxy.get("left_out", {}).items():
        yield f"{proxy['proxy']} goes without {part}, which it refused: {' '.join(reason.split())}"


def _print_table(heading: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    table = [heading, *rows]
    widths = [max(len(row[column]) for row in table) + GAP for column in range(len(heading))]
    for row in table:
        line = "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(line.rstrip())
