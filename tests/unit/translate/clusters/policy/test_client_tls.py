from dataclasses import replace
from typing import Any

import pytest

from lateen.translate.clusters import build
from tests.envoy_check import assert_accepted
from tests.unit.translate.clusters.worlds import (
    CLIENT,
    GATEWAY,
    REVIEWS,
    cluster,
    entry,
    http_options,
    istio,
    mesh_of,
    pod,
    policy_cluster,
    reviews,
    rule,
    service,
    tls_context,
)

NAME = f"outbound|80||{REVIEWS}"
REVIEWS_ID = "spiffe://cluster.local/ns/default/sa/reviews"
EXTERNAL = "outbound|443||api.example.com"
API = entry(
    "api.example.com",
    "resolution: STATIC, location: MESH_EXTERNAL, endpoints: [{address: 203.0.113.1}], "
    "ports: [{number: 443, name: http, protocol: HTTP}], subjectAltNames: [api.example.com]",
)


def external(tls: str, client: Any = CLIENT) -> dict[str, Any]:
    written = rule(f"trafficPolicy: {{tls: {{{tls}}}}}", "api.example.com")
    return cluster(mesh_of(API + written), EXTERNAL, client)


def names(context: dict[str, Any]) -> list[str]:
    validation = context["common_tls_context"]["combined_validation_context"]
    matchers = validation["default_validation_context"].get("match_typed_subject_alt_names", [])
    return [matcher["matcher"]["exact"] for matcher in matchers]


def secrets(context: dict[str, Any]) -> list[str]:
    common = context["common_tls_context"]
    found = [item["name"] for item in common.get("tls_certificate_sds_secret_configs", [])]
    validation = common.get("combined_validation_context")
    if validation:
        found.append(validation["validation_context_sds_secret_config"]["name"])
    return found


def test_mutual_tls_is_automatic_where_the_endpoint_can() -> None:
    matches = cluster(reviews(), NAME)["transport_socket_matches"]
    context = matches[0]["transport_socket"]["typed_config"]

    assert [match["name"] for match in matches] == ["tlsMode-istio", "tlsMode-disabled"]
    assert matches[0]["match"] == {"tlsMode": "istio"}
    assert context["sni"] == f"outbound_.80_._.{REVIEWS}"
    assert names(context) == [REVIEWS_ID]
    assert secrets(context) == ["default", "ROOTCA"]


@pytest.mark.parametrize(
    ("protocol", "offer"),
    [
        ("http", ["istio-http/1.1", "istio", "http/1.1"]),
        ("grpc", ["istio-h2", "istio", "h2"]),
        ("tcp", ["istio-peer-exchange", "istio"]),
        ("sniffed", ["istio-peer-exchange", "istio"]),  # an HTTP request offers its own
    ],
)
def test_ports_offer_what_they_are_declared_as(protocol: str, offer: list[str]) -> None:
    made = cluster(reviews(protocol=protocol), NAME)
    context = made["transport_socket_matches"][0]["transport_socket"]["typed_config"]

    assert context["common_tls_context"]["alpn_protocols"] == offer


@pytest.mark.parametrize(
    ("mesh_config", "more"),
    [
        ("enableAutoMtls: false", ""),
        ("", istio("PeerAuthentication", "no-mtls", "mtls: {mode: DISABLE}")),
        ("", istio("PeerAuthentication", "no-mtls", "mtls: {mode: DISABLE}", "istio-system")),
        ("", rule("trafficPolicy: {tls: {mode: DISABLE}}")),
    ],
)
def test_automatic_mutual_tls_can_be_turned_off(mesh_config: str, more: str) -> None:
    made = cluster(reviews(more, mesh_config=mesh_config), NAME)

    assert "transport_socket_matches" not in made
    assert "transport_socket" not in made


def test_policies_of_a_workload_do_not_reach_its_clients_clusters() -> None:
    policy = "selector: {matchLabels: {app: reviews}}, mtls: {mode: DISABLE}"
    made = cluster(reviews(istio("PeerAuthentication", "no-mtls", policy)), NAME)

    assert "transport_socket_matches" in made


def test_identities_count_under_every_name_of_the_trust_domain() -> None:
    made = cluster(reviews(mesh_config="trustDomainAliases: [old.domain]"), NAME)
    context = made["transport_socket_matches"][0]["transport_socket"]["typed_config"]

    assert names(context) == [REVIEWS_ID, "spiffe://old.domain/ns/default/sa/reviews"]


def test_without_a_choice_of_endpoint_all_of_them_must_take_mutual_tls() -> None:
    headless = service("db", "clusterIP: None, selector: {app: db}, ports: [{port: 5432}]")
    name = "outbound|5432||db.default.svc.cluster.local"
    with_proxy = pod("db-0", "10.1.0.9", "app: db, security.istio.io/tlsMode: istio")
    without = pod("db-1", "10.1.0.10", "app: db")

    assert "transport_socket" in cluster(mesh_of(headless + with_proxy), name)
    assert "transport_socket" not in cluster(mesh_of(headless + with_proxy + without), name)
    assert "transport_socket" not in cluster(mesh_of(headless), name)


def test_istio_mutual_may_name_server_and_peers() -> None:
    made = policy_cluster("tls: {mode: ISTIO_MUTUAL, sni: x.example, subjectAltNames: [a.example]}")

    assert tls_context(made)["sni"] == "x.example"
    assert names(tls_context(made)) == ["a.example"]


def test_simple_tls_checks_against_the_system_and_the_entry_s_names() -> None:
    made = external("mode: SIMPLE")

    assert secrets(tls_context(made)) == ["file-root:system"]
    assert names(tls_context(made)) == ["api.example.com"]
    assert made["metadata"]["filter_metadata"]["istio"]["alpn_override"] == "false"
    assert http_options(made)["upstream_http_protocol_options"] == {
        "auto_sni": True, "auto_san_validation": True,
    }  # fmt: skip


def test_a_server_name_or_names_to_check_end_the_automatism() -> None:
    named = external("mode: SIMPLE, sni: x.example")
    checked = external("mode: SIMPLE, subjectAltNames: [x.example]")

    assert http_options(named) == {}
    assert tls_context(named)["sni"] == "x.example"
    assert http_options(checked)["upstream_http_protocol_options"] == {"auto_sni": True}


def test_verification_can_be_skipped() -> None:
    made = external("mode: SIMPLE, insecureSkipVerify: true")

    assert tls_context(made)["common_tls_context"]["validation_context"] == {}


def test_files_are_secrets_of_the_agent() -> None:
    made = external(
        "mode: MUTUAL, clientCertificate: /c.pem, privateKey: /k.pem, caCertificates: /ca.pem"
    )

    assert secrets(tls_context(made)) == ["file-cert:/c.pem~/k.pem", "file-root:/ca.pem"]


def test_a_file_of_revocations_goes_with_files_alone() -> None:
    written = "mode: SIMPLE, caCertificates: /ca.pem, caCrl: /crl.pem"

    def revoked(tls: str) -> Any:
        validation = tls_context(external(tls, GATEWAY))["common_tls_context"]
        return validation["combined_validation_context"]["default_validation_context"].get("crl")

    assert revoked(written) == {"filename": "/crl.pem"}
    assert revoked("mode: SIMPLE, credentialName: a, caCrl: /crl.pem") is None


OWN_FILES = replace(
    CLIENT,
    settings=(
        ("TLS_CLIENT_CERT_CHAIN", "/chain.pem"),
        ("TLS_CLIENT_KEY", "/key.pem"),
        ("TLS_CLIENT_ROOT_CERT", "/root.pem"),
    ),
)


@pytest.mark.envoy
def test_a_client_with_files_of_its_own_uses_them_for_every_mutual_tls() -> None:
    automatic = cluster(reviews(), NAME, OWN_FILES)
    asked = external("mode: ISTIO_MUTUAL, sni: x.example", OWN_FILES)
    simple = external("mode: SIMPLE", OWN_FILES)

    assert "transport_socket_matches" not in automatic
    for made in (automatic, asked):
        assert secrets(tls_context(made)) == [
            "file-cert:/chain.pem~/key.pem", "file-root:/root.pem",
        ]  # fmt: skip
    assert names(tls_context(automatic)) == [REVIEWS_ID]
    assert tls_context(automatic)["sni"] == f"outbound_.80_._.{REVIEWS}"
    assert tls_context(asked)["sni"] == "x.example"
    assert secrets(tls_context(simple)) == ["file-root:system"]
    assert_accepted(clusters=[build.cluster(reviews(), OWN_FILES, NAME) or b""])


def test_credentials_are_for_gateways_and_chosen_workloads() -> None:
    written = "mode: MUTUAL, credentialName: client"
    ours = external(written, GATEWAY)
    chosen = rule(
        "workloadSelector: {matchLabels: {app: front}}, "
        "trafficPolicy: {tls: {mode: SIMPLE, credentialName: client}}",
        "api.example.com",
    )

    assert secrets(tls_context(ours)) == ["kubernetes://client", "kubernetes://client-cacert"]
    assert secrets(tls_context(external(written))) == ["file-root:system"]
    assert secrets(tls_context(cluster(mesh_of(API + chosen), EXTERNAL))) == [
        "kubernetes://client-cacert"
    ]


POLICY = """
---
apiVersion: v1
kind: ConfigMap
metadata: {name: root, namespace: default}
data: {ca.crt: "-----BEGIN CERTIFICATE-----"}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: reviews, namespace: default}
spec:
  targetRefs: [{group: "", kind: Service, name: reviews}]
  validation: {hostname: reviews.example, MORE}
"""
AUTHORITY = "caCertificateRefs: [{group: '', kind: ConfigMap, name: NAME}]"


@pytest.mark.parametrize("client", [CLIENT, GATEWAY])
@pytest.mark.parametrize(
    ("more", "secret"),
    [
        ("wellKnownCACertificates: System", "file-root:system"),
        (AUTHORITY.replace("NAME", "root"), "configmap://default/root-cacert"),
        (AUTHORITY.replace("NAME", "gone"), "invalid://-cacert"),
    ],
)
def test_a_policy_of_a_backend_has_its_name_verified_by_all_clients(
    client: Any, more: str, secret: str
) -> None:
    context = tls_context(cluster(reviews(POLICY.replace("MORE", more)), NAME, client))

    assert context["sni"] == "reviews.example"
    assert context["auto_sni_san_validation"] is True
    assert secrets(context) == [secret]


def test_names_of_a_policy_are_verified_instead() -> None:
    more = "wellKnownCACertificates: System, subjectAltNames: [{type: Hostname, hostname: a.b}]"

    context = tls_context(cluster(reviews(POLICY.replace("MORE", more)), NAME))

    assert names(context) == ["a.b"]
    assert "auto_sni_san_validation" not in context


def test_versions_and_curves_follow_the_mesh() -> None:
    made = policy_cluster(
        "tls: {mode: SIMPLE}",
        mesh_config="tlsDefaults: {minProtocolVersion: TLSV1_3, ecdhCurves: [P-256]}",
    )

    assert tls_context(made)["common_tls_context"]["tls_params"] == {
        "tls_minimum_protocol_version": "TLSv1_3",
        "tls_maximum_protocol_version": "TLSv1_3",
        "ecdh_curves": ["P-256"],
    }


def test_the_proxy_protocol_goes_around_every_socket() -> None:
    wrapped = policy_cluster("proxyProtocol: {version: V2}")["transport_socket_matches"]
    plain = policy_cluster("proxyProtocol: {version: V1}, tls: {mode: DISABLE}")

    for match, inner in zip(wrapped, ("tls", "raw_buffer"), strict=True):
        socket = match["transport_socket"]["typed_config"]
        assert socket["config"] == {"version": "V2"}
        assert socket["transport_socket"]["name"].endswith(inner)
    assert plain["transport_socket"]["typed_config"]["transport_socket"]["name"].endswith("buffer")


@pytest.mark.envoy
def test_envoy_accepts_every_mode() -> None:
    modes = (
        "mode: DISABLE",
        "mode: ISTIO_MUTUAL",
        "mode: SIMPLE",
        "mode: SIMPLE, insecureSkipVerify: true",
        "mode: MUTUAL, clientCertificate: /c.pem, privateKey: /k.pem",
        "mode: SIMPLE, subjectAltNames: ['spiffe://a/b', x.example, 10.0.0.1]",
    )
    made = []
    for index, mode in enumerate(modes):
        policy = f"trafficPolicy: {{tls: {{{mode}}}, proxyProtocol: {{version: V2}}}}"
        body = build.cluster(reviews(rule(policy)), CLIENT, NAME)
        assert body is not None
        made.append(body + bytes((10, 2)) + f"c{index}".encode())  # a name of its own

    assert_accepted(clusters=made)
