"""Where keys come from: a URI, or an issuer whose discovery document names one. Pure."""

from typing import NamedTuple


class KeySource(NamedTuple):
    """`uri` is empty for an issuer that publishes where its keys are (OpenID Connect Discovery)."""

    uri: str
    issuer: str = ""

    def __str__(self) -> str:
        return self.uri or f"the discovery document of {self.issuer}"


def key_source(uri: str, issuer: str) -> KeySource:
    """Rules of several issuers that name one URI share its keys."""
    return KeySource(uri) if uri else KeySource("", issuer)
