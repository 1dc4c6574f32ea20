"""The table of listeners: which connections each filter chain takes, and where they go."""

from typing import Any

HEADING = ("ADDRESSES", "PORT", "MATCH", "DESTINATION")
SHORT_HEADING = ("ADDRESSES", "PORT", "TYPE")
BLACK_HOLE = "BlackHoleCluster"
NEITHER = "Non-HTTP/Non-TCP"
HCM = "http_connection_manager"
TCP_PROXY = "tcp_proxy"

Resource = dict[str, Any]


def select(listeners: list[Resource], *, address: str, port: int, kind: str) -> list[Resource]:
    def is_wanted(listener: Resource) -> bool:
        return (
            (not address or address.lower() in (item.lower() for item in addresses(listener)))
            and (not port or port_of(listener) == port)
            and (not kind or kind.upper() == type_of(listener))
        )

    return sorted(filter(is_wanted, listeners), key=lambda x: (addresses(x), port_of(x)))


def rows(listeners: list[Resource]) -> list[tuple[str, ...]]:
    return [
        (",".join(addresses(listener)), str(port_of(listener)), match(chain), destination(chain))
        for listener in listeners
        for chain in chains(listener)
    ]


def short_rows(listeners: list[Resource]) -> list[tuple[str, ...]]:
    return [(",".join(addresses(x)), str(port_of(x)), type_of(x)) for x in listeners]


def addresses(listener: Resource) -> list[str]:
    more = (entry.get("address", {}) for entry in listener.get("additional_addresses", []))
    return [_address(item) for item in (listener.get("address", {}), *more)]


def _address(address: Resource) -> str:
    if "pipe" in address:
        return str(address["pipe"].get("path", ""))
    return str(address.get("socket_address", {}).get("address", ""))


def port_of(listener: Resource) -> int:
    return int(listener.get("address", {}).get("socket_address", {}).get("port_value", 0))


def chains(listener: Resource) -> list[Resource]:
    found = list(listener.get("filter_chains", []))
    if default := listener.get("default_filter_chain"):
        found.append(default)
    return found


def type_of(listener: Resource) -> str:
    found = {_chain_type(chain) for chain in chains(listener)} - {""}
    if found == {"HTTP", "TCP"}:
        return "HTTP+TCP"
    return found.pop() if len(found) == 1 else "UNKNOWN"


def _chain_type(chain: Resource) -> str:
    for item in chain.get("filters", []):
        if _is(item, HCM):
            return "HTTP"
        if _is(item, TCP_PROXY):
            return "TCP"
    return ""


def match(chain: Resource) -> str:
    """Such as `Trans: tls; App: istio,istio-h2; Addr: 0.0.0.0/0:8080`; `ALL` without conditions."""
    wanted = chain.get("filter_chain_match") or {}
    found: list[str] = []
    for name, key in (("SNI", "server_names"), ("App", "application_protocols")):
        if values := wanted.get(key):
            found.append(f"{name}: {','.join(values)}")
    if transport := wanted.get("transport_protocol"):
        found.insert(1 if "server_names" in wanted else 0, f"Trans: {transport}")
    port = f":{wanted['destination_port']}" if wanted.get("destination_port") else ""
    ranges = [
        f"{entry.get('address_prefix', '')}/{entry.get('prefix_len', 0)}"
        for entry in wanted.get("prefix_ranges", [])
    ]
    if ranges or port:
        found.append(f"Addr: {','.join(ranges) or '*'}{port}")
    return "; ".join(found) or "ALL"


def destination(chain: Resource) -> str:
    for item in chain.get("filters", []):
        config = item.get("typed_config", {})
        if _is(item, HCM):
            return _http_destination(config)
        if _is(item, TCP_PROXY):
            return _tcp_destination(config)
    return NEITHER


def _tcp_destination(config: Resource) -> str:
    weighted = config.get("weighted_clusters", {}).get("clusters", [])
    if weighted:
        shares = ", ".join(f"{entry['name']} ({entry.get('weight', 0)})" for entry in weighted)
        return f"Clusters: {shares}"
    name = config.get("cluster", "")
    return NEITHER if name == BLACK_HOLE else named(name)


def _http_destination(config: Resource) -> str:
    if inline := config.get("route_config"):
        return _inline(inline)
    name = config.get("rds", {}).get("route_config_name", "")
    return f"Route: {name}" if name else "HTTP"


def _inline(route_config: Resource) -> str:
    hosts = route_config.get("virtual_hosts", [])
    if len(hosts) == 1 and hosts[0].get("domains") == ["*"] and len(hosts[0]["routes"]) == 1:
        route = hosts[0]["routes"][0]
        cluster = route.get("route", {}).get("cluster", "")
        if cluster and route.get("match", {}).get("prefix") == "/":
            return named(cluster)
    return "Inline Route: " + "; ".join(_describe_host(host) for host in hosts)


def _describe_host(host: Resource) -> str:
    from lateen.cli.dump.routes import describe_match

    paths = ", ".join(describe_match(route.get("match", {})) for route in host.get("routes", []))
    domains = host.get("domains", [])
    return paths if domains == ["*"] else f"{'/'.join(domains)} {paths}"


def named(cluster: str) -> str:
    """Fixed clusters say what they are by their name."""
    return cluster if "Cluster" in cluster else f"Cluster: {cluster}"


def _is(item: Resource, name: str) -> bool:
    kind = item.get("typed_config", {}).get("@type", "")
    return f".{name}." in kind
