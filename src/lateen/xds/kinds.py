"""The resource types of discovery: their order on a stream, and the short names people use."""

PREFIX = "type.googleapis.com/"

CLUSTER = PREFIX + "envoy.config.cluster.v3.Cluster"
ENDPOINT = PREFIX + "envoy.config.endpoint.v3.ClusterLoadAssignment"
LISTENER = PREFIX + "envoy.config.listener.v3.Listener"
ROUTE = PREFIX + "envoy.config.route.v3.RouteConfiguration"
SECRET = PREFIX + "envoy.extensions.transport_sockets.tls.v3.Secret"
NAME_TABLE = PREFIX + "istio.networking.nds.v1.NameTable"
TRUST_BUNDLE = PREFIX + "lateen.mesh.v1.TrustBundle"
EXTENSION = PREFIX + "envoy.config.core.v3.TypedExtensionConfig"

HEALTH = PREFIX + "istio.v1.HealthInformation"  # only ever asked with: see `presence`

SHORT = {  # in the order in which a change must reach a proxy
    CLUSTER: "CDS",
    ENDPOINT: "EDS",
    LISTENER: "LDS",
    ROUTE: "RDS",
    SECRET: "SDS",
    EXTENSION: "ECDS",
    NAME_TABLE: "NDS",
    TRUST_BUNDLE: "TBDS",
}
ORDER = {type_url: index for index, type_url in enumerate(SHORT)}
LAST = len(ORDER)


def order(type_url: str) -> int:
    return ORDER.get(type_url, LAST)


def short(type_url: str) -> str:
    """`CDS` for clusters; the message's own name for types without a short one."""
    return SHORT.get(type_url) or type_url.rsplit(".", 1)[-1]
