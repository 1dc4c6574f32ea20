"""What a client of the mesh offers in ALPN: Istio's own names beside the real HTTP version.

    HTTP/1.1 to the server   istio-http/1.1,istio,http/1.1
    HTTP/2 to the server     istio-h2,istio,h2

A PERMISSIVE server tells HTTP from TCP inside mutual TLS by them. The version is that of the
upstream connection, which need not be the request's: a cluster says in its metadata when it speaks
HTTP/2 or follows the client, and when its TLS is the user's own and must be left alone. Istio has a
filter for this; here an HTTP filter computes the offer and hands it to the TLS socket.
"""

from typing import Any

from lateen.translate.clusters.protocol import UpstreamProtocol

NAMESPACE = "lateen"
KEY = "http"
OWN = "own"  # the cluster's TLS context has the offer
SAID = {UpstreamProtocol.HTTP2: "h2", UpstreamProtocol.CLIENT: "client"}

HTTP1_OFFER = "istio-http/1.1,istio,http/1.1"
HTTP2_OFFER = "istio-h2,istio,h2"

_ALL = "xds.cluster_metadata.filter_metadata"
_CHOICE = f"{_ALL}['{NAMESPACE}']['{KEY}']"
OFFER = (
    f"%CEL('{NAMESPACE}' in {_ALL} ? ({_CHOICE} == 'h2'"
    f" || ({_CHOICE} == 'client' && request.protocol == 'HTTP/2') ? '{HTTP2_OFFER}'"
    f" : {_CHOICE} == '{OWN}' ? '' : '{HTTP1_OFFER}') : '{HTTP1_OFFER}')%"
)


def say_protocol(cluster: Any, protocol: UpstreamProtocol, *, has_own_tls: bool) -> None:
    """Puts into a Cluster what `OFFER` has to know of it."""
    said = OWN if has_own_tls else SAID.get(protocol)
    if said is not None:
        cluster.metadata.filter_metadata[NAMESPACE].fields[KEY].string_value = said
