"""How a gateway treats its clients: trusted proxies before it, forwarded client certificates."""

from lateen.api.mesh_proxy_config import ForwardClientCertDetails
from lateen.translate.filters.http_connection_manager import Edge
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass
from lateen.view.proxy_settings import topology

CLIENT_CERT_DETAILS = ("subject", "cert", "dns", "uri")


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
