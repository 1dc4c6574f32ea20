"""Which connections a port of a workload accepts, and as what: PeerAuthentication and protocol.

             STRICT                     PERMISSIVE                              DISABLE
    HTTP     tls -> HTTP                tls + mesh ALPN -> HTTP, raw -> HTTP    raw -> HTTP
    TCP      tls -> TCP                 tls + mesh ALPN -> TCP, raw -> TCP,     raw -> TCP
                                        other tls -> TCP as it is
    sniffed  tls + HTTP ALPN -> HTTP,   the same, raw + HTTP -> HTTP,           raw + HTTP -> HTTP,
             tls -> TCP                 raw -> TCP, other tls -> TCP as it is   raw -> TCP

Envoy does not come back to a chain that it left behind, so each transport is written out.
"""

from enum import Enum
from typing import NamedTuple

from lateen.catalog.service import Protocol
from lateen.view.authentication import MutualTLSMode

RAW, TLS = "raw_buffer", "tls"
MESH_HTTP_ALPN = ("istio-http/1.0", "istio-http/1.1", "istio-h2")
MESH_TCP_ALPN = ("istio-peer-exchange", "istio")
MESH_ALPN = ("istio", "istio-peer-exchange", *MESH_HTTP_ALPN)
PLAIN_HTTP_ALPN = ("http/1.1", "h2c")  # what the HTTP inspector finds


class Accepted(NamedTuple):
    """One kind of connection. `is_mutual`: TLS ends here; else bytes pass on as they came."""

    transport: str  # empty: any
    alpn: tuple[str, ...]
    is_http: bool
    is_mutual: bool

    @property
    def needs_tls_inspector(self) -> bool:
        return self.transport == TLS

    @property
    def needs_http_inspector(self) -> bool:
        return self.transport == RAW and bool(self.alpn)


class Shape(Enum):
    HTTP = "http"
    TCP = "tcp"
    SNIFFED = "sniffed"


def shape(protocol: Protocol) -> Shape:
    if protocol.is_http:
        return Shape.HTTP
    return Shape.SNIFFED if protocol.is_sniffed else Shape.TCP


_HTTP_RAW = Accepted(RAW, (), is_http=True, is_mutual=False)
_TCP_RAW = Accepted(RAW, (), is_http=False, is_mutual=False)
_TCP_ENCRYPTED = Accepted(TLS, (), is_http=False, is_mutual=False)
_TCP_MUTUAL = Accepted(TLS, (), is_http=False, is_mutual=True)
_SNIFFED_MUTUAL_HTTP = Accepted(TLS, MESH_HTTP_ALPN, is_http=True, is_mutual=True)
_SNIFFED_RAW_HTTP = Accepted(RAW, PLAIN_HTTP_ALPN, is_http=True, is_mutual=False)

_STRICT, _PERMISSIVE, _DISABLE = (
    MutualTLSMode.STRICT,
    MutualTLSMode.PERMISSIVE,
    MutualTLSMode.DISABLE,
)

ACCEPTED: dict[tuple[MutualTLSMode, Shape], tuple[Accepted, ...]] = {
    (_STRICT, Shape.HTTP): (Accepted(TLS, (), is_http=True, is_mutual=True),),
    (_STRICT, Shape.TCP): (_TCP_MUTUAL,),
    (_STRICT, Shape.SNIFFED): (_SNIFFED_MUTUAL_HTTP, _TCP_MUTUAL),
    (_PERMISSIVE, Shape.HTTP): (
        Accepted(TLS, MESH_ALPN, is_http=True, is_mutual=True),
        _HTTP_RAW,
    ),
    (_PERMISSIVE, Shape.TCP): (
        Accepted(TLS, MESH_ALPN, is_http=False, is_mutual=True),
        _TCP_ENCRYPTED,
        _TCP_RAW,
    ),
    (_PERMISSIVE, Shape.SNIFFED): (
        _SNIFFED_MUTUAL_HTTP,
        _SNIFFED_RAW_HTTP,
        Accepted(TLS, MESH_TCP_ALPN, is_http=False, is_mutual=True),
        _TCP_RAW,
        _TCP_ENCRYPTED,
    ),
    (_DISABLE, Shape.HTTP): (_HTTP_RAW,),
    (_DISABLE, Shape.TCP): (_TCP_RAW,),
    (_DISABLE, Shape.SNIFFED): (_SNIFFED_RAW_HTTP, _TCP_RAW),
}


def accepted(mode: MutualTLSMode, protocol: Protocol) -> tuple[Accepted, ...]:
    """The table above, in the order in which the filter chains are written."""
    return ACCEPTED[mode, shape(protocol)]


def terminated(protocol: Protocol) -> tuple[Accepted, ...]:
    """A port with TLS settings of its own (Sidecar ingress): all TLS ends here."""
    is_http = protocol.is_http or protocol is Protocol.HTTPS
    return (Accepted(TLS, (), is_http=is_http, is_mutual=True),)
