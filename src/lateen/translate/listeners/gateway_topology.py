"""What stands before a gateway: trusted proxies, PROXY protocol, forwarded client certificates.

the proxy's own ProxyConfig (node metadata PROXY_CONFIG)  ->  MeshConfig.defaultConfig
"""

import msgspec

from lateen.api.mesh_proxy_config import ForwardClientCertDetails, ProxyConfig, Topology
from lateen.translate.filters.http_connection_manager import Edge
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass

PROXY_CONFIG = "PROXY_CONFIG"
CLIENT_CERT_DETAILS = ("subject", "cert", "dns", "uri")


def topology(mesh: Mesh, proxy_class: ProxyClass) -> Topology:
    defaults = mesh.config.default_config
    found = _own(proxy_class) or (defaults and defaults.gateway_topology)
    return found or Topology()


def _own(proxy_class: ProxyClass) -> Topology | None:
    """What the proxy says of itself; nothing when that cannot be read."""
    written = dict(proxy_class.settings).get(PROXY_CONFIG)
    if not written:
        return None
    try:
        return msgspec.json.decode(written, type=ProxyConfig).gateway_topology
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def edge(mesh: Mesh, proxy_class: ProxyClass) -> Edge:
    """The client is whoever connects, unless trusted proxies stand before the gateway."""
    before = topology(mesh, proxy_class)
    forwards = before.forward_client_cert_details
    if forwards is ForwardClientCertDetails.UNDEFINED:
        forwards = ForwardClientCertDetails.SANITIZE_SET
    return Edge(
        server_name="istio-envoy",
        use_remote_address=True,
        xff_trusted_hops=before.num_trusted_proxies,
        forward_client_cert=forwards,
        client_cert_details=CLIENT_CERT_DETAILS,
        accept_http10=proxy_class.http10,
    )
