"""Whom workloads believe: the roots of each trust domain, as the control plane tells agents.

    TrustBundle    domains: [TrustDomain], revoked, whole_chain
    TrustDomain    name, roots

The mesh's own trust domain comes first. Roots and lists of revoked certificates are PEM. A root
vouches for the identities of its own trust domain and of no other.
"""

from dataclasses import dataclass
from typing import Any

from lateen.base.protobuf import Field, declare

TYPE_URL = "type.googleapis.com/lateen.mesh.v1.TrustBundle"

_MESSAGES = declare(
    "lateen.mesh.v1",
    {
        "TrustBundle": {
            "domains": Field(1, "repeated TrustDomain"),
            "revoked": Field(2, "bytes"),
            "whole_chain": Field(3, "bool"),
        },
        "TrustDomain": {"name": Field(1, "string"), "roots": Field(2, "bytes")},
    },
)
TrustBundle: Any = _MESSAGES["TrustBundle"]


@dataclass(frozen=True, slots=True)
class Trust:
    """What the control plane's authority and its look at other meshes contribute. PEM."""

    roots: str = ""
    revoked: str = ""
    whole_chain: bool = False  # `revoked` covers intermediates too
    fetched: tuple[tuple[str, str], ...] = ()  # URL of a SPIFFE bundle, and the roots found there

    def of_url(self, url: str) -> str:
        return dict(self.fetched).get(url, "")
