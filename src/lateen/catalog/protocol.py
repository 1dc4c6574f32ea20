"""Which protocol a port speaks, from what its owner wrote."""

from lateen.catalog.service import Protocol

NAMES = {
    "tcp": Protocol.TCP,
    "udp": Protocol.UDP,
    "grpc": Protocol.GRPC,
    "grpc-web": Protocol.GRPC_WEB,
    "http": Protocol.HTTP,
    "http_proxy": Protocol.HTTP_PROXY,
    "http2": Protocol.HTTP2,
    "https": Protocol.HTTPS,
    "tls": Protocol.TLS,
    "mongo": Protocol.MONGO,
    "redis": Protocol.REDIS,
    "mysql": Protocol.MYSQL,
}
APP_PROTOCOLS = {  # KEP-3726
    "kubernetes.io/h2c": Protocol.HTTP2,
    "kubernetes.io/ws": Protocol.HTTP,
    "kubernetes.io/wss": Protocol.HTTPS,
}
# Servers that speak first: sniffing would wait for a client that says nothing.
SERVER_FIRST_PORTS = frozenset((25, 53, 3306, 27017))


def parse(name: str) -> Protocol:
    """Of a `protocol` field; anything unknown is left to sniffing."""
    return NAMES.get(name.lower(), Protocol.UNSUPPORTED)


def of_kubernetes_port(
    number: int, *, name: str, transport: str, app_protocol: str | None
) -> Protocol:
    """appProtocol, else the part of the port's name before the first `-`, else sniffing."""
    if transport == "UDP":
        return Protocol.UDP
    written = app_protocol if app_protocol is not None else name
    if app_protocol in APP_PROTOCOLS:
        return APP_PROTOCOLS[app_protocol]
    if written.lower().startswith("grpc-web"):
        return Protocol.GRPC_WEB
    found = parse(written.partition("-")[0])
    if found is Protocol.UNSUPPORTED and number in SERVER_FIRST_PORTS:
        return Protocol.TCP
    return found
