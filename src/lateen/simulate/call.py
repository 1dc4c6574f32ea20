"""One connection or request, as a proxy's listener sees it arrive, and where it ends up."""

from dataclasses import dataclass, field
from enum import StrEnum


class Application(StrEnum):
    """What is spoken inside the connection."""

    HTTP = "http"
    HTTP2 = "http2"
    TCP = "tcp"

    @property
    def is_http(self) -> bool:
        return self is not Application.TCP


class Security(StrEnum):
    PLAINTEXT = "plaintext"
    TLS = "tls"
    MUTUAL = "mtls"  # with a certificate of the mesh


class Direction(StrEnum):
    OUTBOUND = "outbound"
    INBOUND = "inbound"
    GATEWAY = "gateway"


MESH_ALPN = {
    Application.HTTP: "istio-http/1.1",
    Application.HTTP2: "istio-h2",
    Application.TCP: "istio",
}
TLS_ALPN = {Application.HTTP: "http/1.1", Application.HTTP2: "h2", Application.TCP: ""}


@dataclass(frozen=True, slots=True)
class Call:
    """What a client sends. Header names are lower case; `path` includes the query."""

    port: int
    address: str = ""  # empty: an address that no listener is bound to
    application: Application = Application.HTTP
    security: Security = Security.PLAINTEXT
    direction: Direction = Direction.OUTBOUND
    host: str = ""
    path: str = "/"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    sni: str | None = None  # None: the host
    alpn: str | None = None  # None: what such a client offers; "": nothing

    @property
    def is_encrypted(self) -> bool:
        return self.security is not Security.PLAINTEXT

    @property
    def server_name(self) -> str:
        """What the TLS inspector finds; one that is given counts, whatever is spoken."""
        if self.sni is not None:
            return self.sni.lower()
        return self.host.lower() if self.is_encrypted else ""

    @property
    def offered_alpn(self) -> str:
        if not self.is_encrypted:
            return ""
        if self.alpn is not None:
            return self.alpn
        offers = MESH_ALPN if self.security is Security.MUTUAL else TLS_ALPN
        return offers[self.application]


class Failure(StrEnum):
    """Why a call does not reach a route or a cluster."""

    NO_LISTENER = "no listener"
    NO_FILTER_CHAIN = "no filter chain matches"
    AMBIGUOUS_FILTER_CHAIN = "several filter chains match"
    TLS_EXPECTED = "plaintext, but the listener expects TLS"
    MUTUAL_TLS_MISMATCH = "mutual TLS and plain TLS do not agree"
    PROTOCOL = "the listener speaks another protocol"
    NO_VIRTUAL_HOST = "no virtual host has this host"
    TLS_REDIRECT = "redirected to HTTPS"
    NO_ROUTE = "no route matches"


class Action(StrEnum):
    NONE = ""
    FORWARD = "forward"
    REDIRECT = "redirect"
    RESPOND = "respond"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a call got, and by which resources. Names not reached are empty."""

    failure: Failure | None = None
    listener: str = ""
    filter_chain: str = ""
    route_configuration: str = ""  # only when it is fetched by name
    virtual_host: str = ""
    route: str = ""
    action: Action = Action.NONE
    clusters: tuple[tuple[str, int], ...] = ()  # with weights; one of weight 1 when unweighted
    status: int = 0  # of a redirect or a direct response
    source: str = field(default="", compare=False)  # the user's resource, as Istio's config path

    @property
    def cluster(self) -> str:
        """The cluster, when there is exactly one."""
        return self.clusters[0][0] if len(self.clusters) == 1 else ""
