import pytest

from lateen.api.mesh_config import TLSConfig, TLSProtocol
from lateen.envoy import messages, types
from lateen.translate import tls
from tests.envoy_check import assert_accepted


def test_names_to_check_get_the_kinds_that_they_can_be() -> None:
    validation = types.CertificateValidationContext()
    tls.add_alternative_names(validation, ("spiffe://a/b", "x.example", "10.0.0.1", "a@b"))
    made = messages.to_json(validation)["match_typed_subject_alt_names"]

    assert [(item["san_type"], item["matcher"]["exact"]) for item in made] == [
        ("URI", "spiffe://a/b"),
        ("DNS", "x.example"),
        ("IP_ADDRESS", "10.0.0.1"),
        ("EMAIL", "a@b"),
        ("DNS", "a@b"),
    ]


def test_the_workload_s_own_secrets_are_waited_for_and_others_are_not() -> None:
    own = tls.agent_secret("default").sds_config
    other = tls.agent_secret("file-root:/ca.pem").sds_config

    assert own.HasField("initial_fetch_timeout")
    assert not other.HasField("initial_fetch_timeout")


def test_credentials_may_name_their_scheme() -> None:
    assert tls.credential_name("a") == "kubernetes://a"
    assert tls.credential_name("kubernetes-gateway://ns/a") == "kubernetes-gateway://ns/a"


def test_ciphers_of_the_mesh_replace_the_default_ones() -> None:
    made = tls.mesh_server_context(trust_domains=("td",), alpn=tls.HTTP_ALPN)
    config = TLSConfig(min_protocol_version=TLSProtocol.TLSV1_3, cipher_suites=("A",))
    tls.apply_tls_config(made.common_tls_context, config)
    parameters = messages.to_json(made)["common_tls_context"]["tls_params"]

    assert parameters["cipher_suites"] == ["A"]
    assert parameters["tls_minimum_protocol_version"] == "TLSv1_3"


def test_contexts_of_two_peers_do_not_mix() -> None:
    first = tls.mesh_client_context(sni="a", alternative_names=("spiffe://a",))
    second = tls.mesh_client_context(sni="b", alternative_names=("spiffe://b",))

    assert "spiffe://b" not in str(first)
    assert "spiffe://a" not in str(second)


@pytest.mark.envoy
def test_envoy_accepts_the_server_side() -> None:
    listener = types.Listener(name="l")
    listener.address.socket_address.address = "127.0.0.1"
    listener.address.socket_address.port_value = 15006
    chain = listener.filter_chains.add()
    proxy = types.TcpProxy(stat_prefix="x", cluster="agent")
    chain.filters.add(name="tcp").typed_config.CopyFrom(messages.pack(proxy))
    context = tls.mesh_server_context(trust_domains=("a", "b"), alpn=tls.TCP_SERVER_ALPN)
    chain.transport_socket.CopyFrom(tls.transport_socket(context))

    assert_accepted(listeners=[listener])
