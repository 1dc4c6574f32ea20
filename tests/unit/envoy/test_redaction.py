"""What is secret does not reach people who read a dump."""

import json
from typing import Any

from lateen.envoy import messages, schema
from lateen.envoy.redaction import JWT_PROVIDER, SHOWN_BYTES, redacted

SECRET = "envoy.extensions.transport_sockets.tls.v3.Secret"
CLUSTER = "envoy.config.cluster.v3.Cluster"
CONTEXT = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"


def shown(message: Any) -> dict[str, Any]:
    return redacted(messages.to_json(message), message.DESCRIPTOR.full_name)


def test_a_private_key_is_hidden_and_its_certificate_is_not() -> None:
    secret = schema.message(SECRET)(name="edge")
    secret.tls_certificate.certificate_chain.inline_bytes = b"chain"
    secret.tls_certificate.private_key.inline_bytes = b"very private"
    secret.tls_certificate.password.inline_string = "open sesame"

    found = shown(secret)

    assert found["name"] == "edge"
    assert found["tls_certificate"]["private_key"] == {"inline_bytes": SHOWN_BYTES}
    assert found["tls_certificate"]["password"] == {"inline_string": "[redacted]"}
    assert found["tls_certificate"]["certificate_chain"] == {"inline_bytes": "Y2hhaW4="}


def test_ticket_keys_and_maps_of_secrets_are_hidden() -> None:
    tickets = schema.message(SECRET)()
    tickets.session_ticket_keys.keys.add().inline_string = "ticket"
    many = schema.message(SECRET)()
    many.generic_secret.secrets["a"].inline_string = "token"

    assert "ticket" not in json.dumps(shown(tickets)["session_ticket_keys"]["keys"])
    assert shown(many)["generic_secret"]["secrets"] == {"a": {"inline_string": "[redacted]"}}


def test_a_key_deep_inside_another_resource_is_hidden() -> None:
    context = schema.message(CONTEXT)(sni="a.example.com")
    own = context.common_tls_context.tls_certificates.add()
    own.private_key.inline_string = "very private"
    cluster = schema.message(CLUSTER)(name="a")
    cluster.transport_socket.typed_config.CopyFrom(messages.pack(context))
    cluster.connect_timeout.CopyFrom(messages.seconds(1))
    cluster.metadata.filter_metadata["istio"].CopyFrom(messages.struct({"services": [1]}))

    found = shown(cluster)

    assert "very private" not in json.dumps(found)
    assert found["transport_socket"]["typed_config"]["sni"] == "a.example.com"
    assert found["transport_socket"]["typed_config"]["@type"].endswith(CONTEXT)
    assert found["connect_timeout"] == "1s"
    assert found["metadata"] == {"filter_metadata": {"istio": {"services": [1.0]}}}


def test_secret_parts_of_token_keys_are_hidden_and_public_ones_are_not() -> None:
    provider = schema.message(JWT_PROVIDER)(issuer="a")
    provider.local_jwks.inline_string = json.dumps(
        {"keys": [{"kty": "oct", "k": "c2VjcmV0"}, {"kty": "RSA", "n": "public", "d": "private"}]}
    )
    text = shown(provider)["local_jwks"]["inline_string"]
    assert "public" in text
    assert "c2VjcmV0" not in text
    assert "private" not in text

    public = '{"keys":  [{"kty": "RSA", "n": "public"}]}'
    provider.local_jwks.inline_string = public
    assert shown(provider)["local_jwks"]["inline_string"] == public
    provider.local_jwks.inline_string = "something else"
    assert shown(provider)["local_jwks"] == {"inline_string": "[redacted]"}
