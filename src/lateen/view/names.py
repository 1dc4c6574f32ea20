"""How resources name other resources: gateways in VirtualServices, delegates."""

from lateen.view import hosts

MESH = "mesh"  # the reserved gateway name that means all sidecars


def gateway_name(name: str, namespace: str) -> str:
    """`namespace/name` of a Gateway as a VirtualService of the namespace writes it.

    Besides `name`, `namespace/name` and `./name`, the old `name.namespace` and its FQDN are read.
    """
    if name == MESH:
        return MESH
    owner, slash, rest = name.partition("/")
    if slash:
        return f"{namespace if owner == '.' else owner}/{rest}"
    parts = name.split(".")
    if len(parts) == 2 or parts[2:3] == ["svc"]:
        return f"{parts[1]}/{parts[0]}"
    return f"{namespace}/{name}"


def gateway_names(names: tuple[str, ...], namespace: str) -> tuple[str, ...]:
    return tuple(gateway_name(name, namespace) for name in names) or (MESH,)


def split_host(host: str, namespace: str) -> tuple[str, str]:
    """Namespace and name of `namespace/host`: `*` when none is written, `.` is resolved."""
    owner, slash, name = host.partition("/")
    if not slash:
        return "*", host
    return (namespace if owner == "." else owner), name


def virtual_service_hosts(written: tuple[str, ...], namespace: str, domain: str) -> tuple[str, ...]:
    return tuple(hosts.qualified(host, namespace, domain) for host in written)
