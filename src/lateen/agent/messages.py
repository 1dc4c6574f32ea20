"""The few discovery and secret messages the agent reads or writes itself.

Declared with only the fields it needs: loading Envoy's whole schema would cost an agent more
memory than everything else it does. Unknown fields pass through untouched.
"""

from typing import Any

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
        "CertificateValidationContext": {"trusted_ca": Field(1, "DataSource")},
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


def certificate_secret(name: str, *, chain: bytes, key: bytes) -> bytes:
    secret = Secret(name=name)
    secret.tls_certificate.certificate_chain.inline_bytes = chain
    secret.tls_certificate.private_key.inline_bytes = key
    return bytes(secret.SerializeToString(deterministic=True))


def roots_secret(name: str, *, roots: bytes) -> bytes:
    secret = Secret(name=name)
    secret.validation_context.trusted_ca.inline_bytes = roots
    return bytes(secret.SerializeToString(deterministic=True))
