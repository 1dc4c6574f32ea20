"""Mesh configuration over its defaults."""

from lateen.api.mesh_config import DEFAULTS, MeshConfig
from lateen.base.problem import Severity
from lateen.view.mesh_settings import effective, networks


def config(text: str) -> MeshConfig:
    made, problems = effective("istio-system", text)
    assert problems == ()
    return made


def test_nothing_written_is_the_defaults() -> None:
    assert config("") == DEFAULTS


def test_scalars_replace_and_false_counts() -> None:
    made = config("enableAutoMtls: false\nconnectTimeout: 3s\nenableTracing: false")

    assert made.enable_auto_mtls is False
    assert made.enable_tracing is False
    assert made.connect_timeout == 3 * 10**9


def test_default_config_merges_field_by_field() -> None:
    made = config("defaultConfig: {concurrency: 3, proxyMetadata: {A: b}}").default_config

    assert made is not None
    assert made.concurrency == 3
    assert made.proxy_admin_port == 15000
    assert made.proxy_metadata == {"A": "b"}


def test_extension_providers_merge_by_name() -> None:
    made = config(
        "extensionProviders:\n"
        "- {name: otel, envoyOtelAls: {service: otel.svc, port: 4317}}\n"
        "- {name: envoy, envoyFileAccessLog: {path: /tmp/log}}\n"
    )

    assert [provider.name for provider in made.extension_providers] == [
        "prometheus",
        "stackdriver",
        "envoy",
        "otel",
    ]
    assert made.extension_providers[2].envoy_file_access_log is not None
    assert made.extension_providers[2].envoy_file_access_log.path == "/tmp/log"


def test_unknown_fields_are_left_out_with_a_warning() -> None:
    made, problems = effective(
        "istio-system", "newField: 1\ndefaultConfig: {newField: {a: b}}\naccessLogFile: /x"
    )

    assert made.access_log_file == "/x"
    assert [problem.path for problem in problems] == ["newField", "defaultConfig.newField"]
    assert {problem.severity for problem in problems} == {Severity.WARNING}


def test_root_namespace_holds_unless_another_is_written() -> None:
    assert effective("mesh", "")[0].root_namespace == "mesh"
    assert effective("mesh", "rootNamespace: other")[0].root_namespace == "other"


def test_tracing_service_name_unsets_the_service_cluster() -> None:
    made = config("defaultConfig: {tracingServiceName: CANONICAL_NAME_ONLY}").default_config

    assert made is not None
    assert made.service_cluster is None


def test_struct_counts_where_it_differs_from_zero() -> None:
    made, problems = effective("istio-system", MeshConfig(access_log_file="/x"))

    assert problems == ()
    assert made.access_log_file == "/x"
    assert made.proxy_listen_port == 15001


def test_wrong_types_are_reported() -> None:
    made, problems = effective("istio-system", "proxyListenPort: many")

    assert made == DEFAULTS
    assert len(problems) == 1
    assert problems[0].path == "proxyListenPort"


def test_networks_are_read() -> None:
    made, problems = networks("networks: {n1: {gateways: [{address: 1.1.1.1, port: 15443}]}}")

    assert problems == ()
    assert made.networks["n1"].gateways[0].address == "1.1.1.1"
