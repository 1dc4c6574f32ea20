"""What a client of the mesh offers in ALPN: Istio's own names beside the real HTTP version.

    HTTP/1.1 to the server   istio-http/1.1,istio,http/1.1
    HTTP/2 to the server     istio-h2,istio,h2
    bytes                    istio-peer-exchange,istio

A PERMISSIVE server tells HTTP from TCP inside mutual TLS by them. Istio has an HTTP filter that
chooses anew for each request. Here the cluster's TLS context holds the offer wherever its port says
what it speaks, which costs a request nothing; choosing costs a sidecar pair a sixth of its
processor time. Only where the port's protocol is unknown, or the server is to be spoken to as the
client speaks, must a request decide: its route switches the filter on (`routes.on_demand`), and
the cluster says in its metadata which versions it knows (`say_protocol`).
"""

from typing import Any

from lateen.catalog.service import Port
from lateen.translate import tls
from lateen.translate.clusters.protocol import UpstreamProtocol

FILTER = "istio.alpn"
STATE = "envoy.network.application_protocols"  # what the TLS of the upstream reads
NAMESPACE = "lateen"
KEY = "http"
SAID = {
    UpstreamProtocol.DEFAULT: "h1",
    UpstreamProtocol.HTTP2: "h2",
    UpstreamProtocol.CLIENT: "client",
}

HTTP1_OFFER = ("istio-http/1.1", "istio", "http/1.1")
HTTP2_OFFER = ("istio-h2", "istio", "h2")

_ALL = "xds.cluster_metadata.filter_metadata"
_CHOICE = f"{_ALL}['{NAMESPACE}']['{KEY}']"
OFFER = (
    f"%CEL('{NAMESPACE}' in {_ALL} ? ({_CHOICE} == 'h2'"
    f" || ({_CHOICE} == 'client' && request.protocol == 'HTTP/2')"
    f" ? '{','.join(HTTP2_OFFER)}' : '{','.join(HTTP1_OFFER)}') : '')%"
)


def offer(port: Port, protocol: UpstreamProtocol) -> tuple[str, ...]:
    """For the TLS context of a cluster of this port."""
    is_http2 = protocol is UpstreamProtocol.HTTP2
    if port.protocol.is_http and not is_by_request(port, protocol):
        return HTTP2_OFFER if is_http2 else HTTP1_OFFER
    return tls.MESH_ALPN_H2 if is_http2 else tls.MESH_ALPN


def is_by_request(port: Port, protocol: UpstreamProtocol) -> bool:
    """Whether the offer of the TLS context is wrong for some request."""
    return port.protocol.is_sniffed or protocol is UpstreamProtocol.CLIENT


def say_protocol(cluster: Any, protocol: UpstreamProtocol) -> None:
    """Puts into a Cluster what `OFFER` has to know of it."""
    cluster.metadata.filter_metadata[NAMESPACE].fields[KEY].string_value = SAID[protocol]
