"""Credentials that the control plane serves to gateways, out of Secrets and ConfigMaps.

    kubernetes://NAME                  Secret of the proxy's own namespace: certificate and key
    kubernetes://NAMESPACE/NAME        the same, written out
    kubernetes-gateway://NAMESPACE/NAME     the same, as Gateway API listeners name it
    configmap://NAMESPACE/NAME         roots out of a ConfigMap
    ...-cacert                         roots, out of the Secret or ConfigMap `...-cacert` or `...`

Keys as Kubernetes or as Istio spells them: `tls.crt`, `tls.key`, `ca.crt`, `ca.crl`,
`tls.ocsp-staple`; `cert`, `key`, `cacert`, `crl`. A proxy gets secrets of its own namespace only,
and for Gateway API listeners those of others that a ReferenceGrant permits;
a sidecar gets those that a DestinationRule made for it (`workloadSelector`) names.
What cannot be read gives no resource: Envoy keeps what it has and its listener waits.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lateen.api.destination_rule import DestinationRule
from lateen.api.resource import Key
from lateen.base.incremental import derived
from lateen.envoy import messages, types
from lateen.gateway_api import backend_tls, listeners, permissions
from lateen.gateway_api.sources import GROUP as GATEWAY_API
from lateen.view.mesh import Mesh
from lateen.view.proxy import ProxyClass, ProxyKind
from lateen.view.selection import Labels, selects

ROOTS_SUFFIX = "-cacert"
SCHEMES = {"kubernetes": "Secret", "kubernetes-gateway": "Secret", "configmap": "ConfigMap"}
DEFAULT_SCHEME = "kubernetes"
CERTIFICATE_KEYS = (("cert", "key"), ("tls.crt", "tls.key"))
ROOT_KEYS = ("cacert", "ca.crt")
REVOCATION_KEYS = ("crl", "ca.crl")
STAPLE_KEY = "tls.ocsp-staple"
PEM_START = b"-----BEGIN "


class Credential(NamedTuple):
    """What the name of a secret asks for."""

    kind: str
    namespace: str
    name: str
    wants_roots: bool


def parse(name: str, namespace: str) -> Credential | None:
    """Reads a secret's name; None when it is of no scheme that is served here."""
    scheme, separator, path = name.partition("://")
    kind = SCHEMES.get(scheme)
    if not separator or kind is None:
        return None
    own, slash, local = path.partition("/")
    if not slash and scheme == DEFAULT_SCHEME:  # the others name their namespace
        own, local = namespace, path
    if not own or not local:
        return None
    return Credential(kind, own, local, kind == "ConfigMap" or local.endswith(ROOTS_SUFFIX))


@derived
def secret(mesh: Mesh, proxy_class: ProxyClass, name: str) -> bytes | None:
    """The Secret message; None when it is absent, unreadable or not for this proxy."""
    credential = parse(name, proxy_class.namespace)
    if credential is None or refusal(mesh, proxy_class, name):
        return None
    if credential.wants_roots:
        return _roots(mesh, name, credential)
    return _certificate(name, content(mesh, credential.kind, credential.namespace, credential.name))


@derived
def exists(mesh: Mesh, proxy_class: ProxyClass, name: str) -> bool:
    """Whether the proxy is served a secret of that name; what is in it does not matter."""
    return secret(mesh, proxy_class, name) is not None


def refusal(mesh: Mesh, proxy_class: ProxyClass, name: str) -> str:
    """Why this proxy may not have the secret; empty when it may."""
    credential = parse(name, proxy_class.namespace)
    if credential is None:
        return "the name is of no kind of secret that is served"
    if not _is_reachable(mesh, proxy_class, credential, name):
        return f"it is of namespace {credential.namespace}, and no ReferenceGrant permits it"
    if _is_published(mesh, credential) or proxy_class.kind is ProxyKind.ROUTER:
        return ""
    if not _is_granted(mesh, proxy_class, credential):
        return "no DestinationRule with a workloadSelector gives it to this workload"
    return ""


def absence(mesh: Mesh, proxy_class: ProxyClass, name: str) -> str:
    """Why `secret` is None, whichever the reason."""
    return refusal(mesh, proxy_class, name) or "there is no such secret, or it holds no PEM"


def _is_reachable(mesh: Mesh, proxy_class: ProxyClass, credential: Credential, name: str) -> bool:
    """In the proxy's own namespace; Gateway API listeners also where a ReferenceGrant lets them."""
    if credential.namespace == proxy_class.namespace or _is_published(mesh, credential):
        return True
    if proxy_class.kind is not ProxyKind.ROUTER or name.startswith("kubernetes://"):
        return False
    of_sets = listeners.credentials_of_sets(mesh, proxy_class.namespace)
    if name in of_sets or name.removesuffix(ROOTS_SUFFIX) in of_sets:
        return True
    return permissions.is_granted(
        mesh,
        (GATEWAY_API, "Gateway", proxy_class.namespace),
        ("", credential.kind, credential.namespace),
        credential.name.removesuffix(ROOTS_SUFFIX),
    )


def _is_published(mesh: Mesh, credential: Credential) -> bool:
    """Roots that a BackendTLSPolicy names are for every proxy that calls the service."""
    if credential.kind != "ConfigMap":
        return False
    published = backend_tls.published_authorities(mesh, credential.namespace)
    return credential.name.removesuffix(ROOTS_SUFFIX) in published


def _is_granted(mesh: Mesh, proxy_class: ProxyClass, credential: Credential) -> bool:
    granted = client_credentials(mesh, proxy_class.namespace, proxy_class.labels)
    return credential.name in granted or credential.name.removesuffix(ROOTS_SUFFIX) in granted


@derived
def client_credentials(mesh: Mesh, namespace: str, labels: Labels) -> frozenset[str]:
    """What DestinationRules of the namespace let a workload present to its servers."""
    return frozenset(
        credential
        for rule in mesh.of_kind("DestinationRule", namespace)
        if rule.spec.workload_selector is not None
        and selects(rule.spec.workload_selector.match_labels, labels)
        for credential in _credentials(rule.spec)
    )


def _credentials(rule: DestinationRule) -> Iterator[str]:
    policies = (rule.traffic_policy, *(subset.traffic_policy for subset in rule.subsets))
    for policy in filter(None, policies):
        for settings in (policy.tls, *(port.tls for port in policy.port_level_settings)):
            if settings is not None and settings.credential_name:
                yield settings.credential_name.removeprefix("kubernetes://")


def _certificate(name: str, fields: Mapping[str, bytes]) -> bytes | None:
    for certificate_key, private_key in CERTIFICATE_KEYS:
        certificate, key = fields.get(certificate_key, b""), fields.get(private_key, b"")
        if PEM_START in certificate and PEM_START in key:
            made = types.Secret(name=name)
            made.tls_certificate.certificate_chain.inline_bytes = certificate
            made.tls_certificate.private_key.inline_bytes = key
            if fields.get(STAPLE_KEY):
                made.tls_certificate.ocsp_staple.inline_bytes = fields[STAPLE_KEY]
            return messages.serialize(made)
    return None


def _roots(mesh: Mesh, name: str, credential: Credential) -> bytes | None:
    places = (credential.name, credential.name.removesuffix(ROOTS_SUFFIX))
    for place in dict.fromkeys(places):
        fields = content(mesh, credential.kind, credential.namespace, place)
        roots = _first(fields, ROOT_KEYS)
        if PEM_START in roots:
            return messages.serialize(_validation(name, roots, _first(fields, REVOCATION_KEYS)))
    return None


def _validation(name: str, roots: bytes, revoked: bytes) -> Any:
    made = types.Secret(name=name)
    made.validation_context.trusted_ca.inline_bytes = roots
    if PEM_START in revoked:
        made.validation_context.crl.inline_bytes = revoked
    return made


def _first(fields: Mapping[str, bytes], keys: tuple[str, ...]) -> bytes:
    return next((fields[key] for key in keys if fields.get(key)), b"")


def content(mesh: Mesh, kind: str, namespace: str, name: str) -> dict[str, bytes]:
    """The fields of a Secret or ConfigMap, decoded; empty when there is none."""
    resource = mesh.resource(Key(kind, namespace, name))
    if resource is None:
        return {}
    spec = resource.spec
    text = spec.data if kind == "ConfigMap" else spec.string_data
    binary = spec.binary_data if kind == "ConfigMap" else spec.data
    return {**binary, **{key: value.encode() for key, value in text.items()}}
