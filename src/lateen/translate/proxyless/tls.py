"""Mutual TLS of gRPC: certificates come from the provider `default` of its own bootstrap file."""

from collections.abc import Iterable
from typing import Any

from lateen.envoy import messages, types
from lateen.translate.tls import ROOT_CERTIFICATE, TLS_SOCKET, WORKLOAD_CERTIFICATE

PROVIDER = "default"


def client_socket(identities: Iterable[str]) -> Any:
    """The server must be one of the identities; none listed: any of the mesh."""
    context = types.UpstreamTlsContext()
    validation = _certificates(context.common_tls_context)
    for identity in identities:
        validation.match_subject_alt_names.add().exact = identity
    return _socket(context)


def server_socket() -> Any:
    context = types.DownstreamTlsContext()
    context.require_client_certificate.value = True
    _certificates(context.common_tls_context)
    return _socket(context)


def _certificates(common: Any) -> Any:
    """Its validation context."""
    common.tls_certificate_provider_instance.instance_name = PROVIDER
    common.tls_certificate_provider_instance.certificate_name = WORKLOAD_CERTIFICATE
    validation = common.combined_validation_context.default_validation_context
    validation.ca_certificate_provider_instance.instance_name = PROVIDER
    validation.ca_certificate_provider_instance.certificate_name = ROOT_CERTIFICATE
    return validation


def _socket(context: Any) -> Any:
    made = types.TransportSocket(name=TLS_SOCKET)
    made.typed_config.CopyFrom(messages.pack(context))
    return made
