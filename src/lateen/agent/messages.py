"""The few discovery and secret messages the agent reads or writes itself.

Declared with only the fields it needs: loading Envoy's whole schema would cost an agent more
memory than everything else it does. Unknown fields pass through untouched.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from lateen.base.protobuf import Field, declare

SECRET_TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
LISTENER_TYPE = "type.googleapis.com/envoy.config.listener.v3.Listener"

_MESSAGES = declare(
    "lateen.agent.discovery",
    {
        "Any": {"type_url": Field(1, "string"), "value": Field(2, "bytes")},
        "Status": {"code": Field(1, "int32"), "message": Field(2, "string")},
        "Resource": {
            "version": Field(1, "string"),
            "resource": Field(2, "Any"),
            "name": Field(3, "string"),
        },
        "DiscoveryRequest": {
            "version_info": Field(1, "string"),
            "resource_names": Field(3, "repeated string"),
            "type_url": Field(4, "string"),
            "response_nonce": Field(5, "string"),
            "error_detail": Field(6, "Status"),
        },
        "DiscoveryResponse": {
            "version_info": Field(1, "string"),
            "resources": Field(2, "repeated Any"),
            "type_url": Field(4, "string"),
            "nonce": Field(5, "string"),
        },
        "DeltaDiscoveryRequest": {
            "type_url": Field(2, "string"),
            "resource_names_subscribe": Field(3, "repeated string"),
            "resource_names_unsubscribe": Field(4, "repeated string"),
            "initial_resource_versions": Field(5, "map<string, string>"),
            "response_nonce": Field(6, "string"),
            "error_detail": Field(7, "Status"),
        },
        "DeltaDiscoveryResponse": {
            "system_version_info": Field(1, "string"),
            "resources": Field(2, "repeated Resource"),
            "type_url": Field(4, "string"),
            "nonce": Field(5, "string"),
            "removed_resources": Field(6, "repeated string"),
        },
        # What the relay looks at in every message; the rest stays as it came.
        "RequestHead": {"type_url": Field(4, "string"), "error_detail": Field(6, "Status")},
        "DeltaRequestHead": {"type_url": Field(2, "string"), "error_detail": Field(7, "Status")},
        "ResponseHead": {"type_url": Field(4, "string"), "nonce": Field(5, "string")},
        "DataSource": {"inline_bytes": Field(2, "bytes")},
        "TlsCertificate": {
            "certificate_chain": Field(1, "DataSource"),
            "private_key": Field(2, "DataSource"),
        },
        "TypedExtensionConfig": {"name": Field(1, "string"), "typed_config": Field(2, "Any")},
        "CertificateValidationContext": {
            "trusted_ca": Field(1, "DataSource"),
            "crl": Field(7, "DataSource"),
            "custom_validator_config": Field(12, "TypedExtensionConfig"),
            "only_verify_leaf_cert_crl": Field(14, "bool"),
        },
        "SpiffeTrustDomain": {
            "name": Field(1, "string"),
            "trust_bundle": Field(2, "DataSource"),
        },
        "SpiffeValidator": {"trust_domains": Field(1, "repeated SpiffeTrustDomain")},
        "Secret": {
            "name": Field(1, "string"),
            "tls_certificate": Field(2, "TlsCertificate"),
            "validation_context": Field(4, "CertificateValidationContext"),
        },
    },
)
DiscoveryRequest: Any = _MESSAGES["DiscoveryRequest"]
DiscoveryResponse: Any = _MESSAGES["DiscoveryResponse"]
DeltaDiscoveryRequest: Any = _MESSAGES["DeltaDiscoveryRequest"]
DeltaDiscoveryResponse: Any = _MESSAGES["DeltaDiscoveryResponse"]
RequestHead: Any = _MESSAGES["RequestHead"]
DeltaRequestHead: Any = _MESSAGES["DeltaRequestHead"]
ResponseHead: Any = _MESSAGES["ResponseHead"]
Secret: Any = _MESSAGES["Secret"]
SpiffeValidator: Any = _MESSAGES["SpiffeValidator"]

SPIFFE_VALIDATOR = "envoy.tls.cert_validator.spiffe"
SPIFFE_VALIDATOR_TYPE = (
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig"
)


class TrustDomainRoots(NamedTuple):
    name: str
    roots: bytes  # PEM


def certificate_secret(name: str, *, chain: bytes, key: bytes) -> bytes:
    secret = Secret(name=name)
    secret.tls_certificate.certificate_chain.inline_bytes = chain
    secret.tls_certificate.private_key.inline_bytes = key
    return bytes(secret.SerializeToString(deterministic=True))


def roots_secret(
    name: str, *, roots: bytes, revoked: bytes = b"", whole_chain: bool = False
) -> bytes:
    """With lists of revoked certificates, which must cover every issuer of leaves, or of all."""
    secret = Secret(name=name)
    context = secret.validation_context
    context.trusted_ca.inline_bytes = roots
    if revoked:
        context.crl.inline_bytes = revoked
        context.only_verify_leaf_cert_crl = not whole_chain
    return bytes(secret.SerializeToString(deterministic=True))


def trust_domains_secret(name: str, domains: Iterable[TrustDomainRoots]) -> bytes:
    """Each trust domain is vouched for by its own roots alone."""
    validator = SpiffeValidator()
    for domain in domains:
        added = validator.trust_domains.add(name=domain.name)
        added.trust_bundle.inline_bytes = domain.roots
    secret = Secret(name=name)
    custom = secret.validation_context.custom_validator_config
    custom.name = SPIFFE_VALIDATOR
    custom.typed_config.type_url = SPIFFE_VALIDATOR_TYPE
    custom.typed_config.value = validator.SerializeToString(deterministic=True)
    return bytes(secret.SerializeToString(deterministic=True))
