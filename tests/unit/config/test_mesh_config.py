"""MeshConfig laid over the defaults."""

from lateen.api.mesh_config import DEFAULTS
from lateen.config.mesh_config import effective, read_mesh_config


def test_what_is_written_replaces_and_the_rest_stays() -> None:
    config, problems = read_mesh_config("enableTracing: false\ntrust_domain: td\n")
    assert problems == ()
    assert (config.enable_tracing, config.trust_domain) == (False, "td")
    assert config.connect_timeout == DEFAULTS.connect_timeout


def test_proxy_settings_merge_by_field_and_metadata_by_key() -> None:
    config, _ = read_mesh_config(
        "defaultConfig: {concurrency: 0, proxyMetadata: {A: b}, tracingServiceName: 1}"
    )
    proxy = config.default_config
    assert proxy is not None
    assert (proxy.concurrency, proxy.proxy_metadata) == (0, {"A": "b"})
    assert proxy.status_port == 15020
    assert (proxy.service_cluster, str(proxy.tracing_service_name)) == (
        None,
        "CANONICAL_NAME_ONLY",
    )


def test_providers_merge_by_name() -> None:
    config, _ = read_mesh_config(
        "extensionProviders:\n- {name: otel, opentelemetry: {service: a.b, port: 4317}}\n"
        "- {name: envoy, envoyFileAccessLog: {path: /tmp/log}}\n"
    )
    by_name = {provider.name: provider for provider in config.extension_providers}
    assert set(by_name) == {"prometheus", "stackdriver", "envoy", "otel"}
    log = by_name["envoy"].envoy_file_access_log
    assert log is not None
    assert log.path == "/tmp/log"


def test_an_unknown_setting_is_a_warning_with_its_line() -> None:
    config, problems = read_mesh_config("enableTracing: false\nenableTracin: true\n", "mesh.yaml")
    assert not config.enable_tracing
    assert str(problems[0]) == (
        'mesh.yaml:2:1 enableTracin: unknown field "enableTracin" (did you mean "enableTracing"?)'
    )


def test_with_a_mistake_in_it_the_defaults_hold() -> None:
    for text in ("connectTimeout: soon", "a: ["):
        config, problems = read_mesh_config(text)
        assert config is DEFAULTS
        assert problems


def test_nothing_written_is_the_defaults() -> None:
    assert effective({}, strict=True) == (DEFAULTS, [])
