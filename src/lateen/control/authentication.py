"""`--authentication FILE`: whose tokens are believed besides the control plane's own.

issuers:
- issuer: https://kubernetes.default.svc.cluster.local    # exactly the tokens' `iss`
  keys: issuer.jwks              # JWKS or PEM, read again when it changes; relative to this file
  audiences: [istio-ca]          # default: istio-ca
  namespaces: [shop]             # whose workloads it may speak for; default: all
- issuer: https://login.example.com
  jwksUri: https://login.example.com/keys    # fetched; without it and `keys`: OpenID discovery
  claims: {namespace: team, serviceAccount: app}    # default: sub, as Kubernetes writes it
tokenReview:                     # tokens of issuers that are not named above
  server: https://10.0.0.1:6443
  caFile: /etc/kubernetes/ca.crt
  tokenFile: /var/run/secrets/token
  audiences: [istio-ca]
"""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import yaml

from lateen.base.clock import Clock
from lateen.control.issuer_keys import IssuerKeys
from lateen.identity.errors import IdentityError
from lateen.identity.issuers import Issuer
from lateen.identity.key_file import KeyFile
from lateen.identity.token_review import ReviewSettings, TokenReview
from lateen.identity.tokens import AUDIENCE, ISSUER
from lateen.jwks.source import key_source

LARGEST_FILE = 1024 * 1024


class Section(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """Base of the file's parts."""


class Claims(Section, frozen=True, kw_only=True):
    namespace: str
    service_account: str


class IssuerSection(Section, frozen=True, kw_only=True):
    issuer: str
    keys: str = ""
    jwks_uri: str = ""
    audiences: tuple[str, ...] = (AUDIENCE,)
    namespaces: tuple[str, ...] = ()
    claims: Claims | None = None


class ReviewSection(Section, frozen=True, kw_only=True):
    server: str
    ca_file: str
    token_file: str
    audiences: tuple[str, ...] = (AUDIENCE,)


class Document(Section, frozen=True, kw_only=True):
    issuers: tuple[IssuerSection, ...] = ()
    token_review: ReviewSection | None = None


@dataclass(frozen=True, slots=True)
class AuthenticationOptions:
    folder: Path = Path()  # relative paths begin here
    document: Document = field(default_factory=Document)


def read(path: Path) -> AuthenticationOptions:
    """IdentityError, with what to mend, for a file that cannot be used."""
    try:
        text = path.read_text()
    except OSError as missing:
        raise IdentityError(f"cannot read {path}: {missing.strerror}") from missing
    try:
        if len(text) > LARGEST_FILE:
            raise ValueError("the file is too large")
        document = msgspec.convert(yaml.safe_load(text) or {}, Document)
    except (ValueError, yaml.YAMLError) as wrong:
        raise IdentityError(f"{path}: {wrong}") from wrong
    names = [section.issuer for section in document.issuers]
    for name in names:
        if name == ISSUER or not name or names.count(name) > 1:
            raise IdentityError(
                f"{path}: the issuer {name!r} cannot be used: it is empty, named twice, or ours"
            )
    for section in document.issuers:
        if section.keys and section.jwks_uri:
            raise IdentityError(f"{path}: the issuer {section.issuer} has keys and a jwksUri")
        if not section.audiences:
            raise IdentityError(f"{path}: the issuer {section.issuer} needs an audience")
    return AuthenticationOptions(path.parent, document)


def issuers(
    options: AuthenticationOptions, published: IssuerKeys, clock: Clock
) -> dict[str, Issuer]:
    return {
        section.issuer: Issuer(
            issuer=section.issuer,
            keys=(
                KeyFile(options.folder / section.keys, clock)
                if section.keys
                else published.of(key_source(section.jwks_uri, section.issuer))
            ),
            audiences=section.audiences,
            namespaces=section.namespaces,
            namespace_claim=section.claims.namespace if section.claims else "",
            account_claim=section.claims.service_account if section.claims else "",
        )
        for section in options.document.issuers
    }


def review(options: AuthenticationOptions, clock: Clock) -> TokenReview | None:
    section = options.document.token_review
    if section is None:
        return None
    if not section.audiences:
        raise IdentityError("tokenReview.audiences must not be empty")
    return TokenReview(
        ReviewSettings(
            server=section.server,
            ca_file=str(options.folder / section.ca_file),
            token_file=str(options.folder / section.token_file),
            audiences=section.audiences,
        ),
        clock,
    )
