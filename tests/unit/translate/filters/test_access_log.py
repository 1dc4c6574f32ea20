"""Access logs from MeshConfig."""

from typing import Any

from lateen.envoy import messages, types
from lateen.translate.filters.access_log import JSON_FORMAT, TEXT_FORMAT, mesh_log
from tests.unit.translate.outbound_world import http_service, listener, mesh_of


def log_format(mesh_config: str) -> dict[str, Any]:
    made = mesh_log(mesh_of(mesh_config=mesh_config))
    assert made is not None
    log = messages.to_json(types.AccessLog.FromString(made))
    found: dict[str, Any] = log["typed_config"]["log_format"]
    return found


def test_nothing_is_logged_without_a_file() -> None:
    assert mesh_log(mesh_of()) is None


def test_text_is_istios_unless_the_mesh_says_otherwise() -> None:
    default = log_format("accessLogFile: /dev/stdout")
    own = log_format('{accessLogFile: /tmp/log, accessLogFormat: "%START_TIME%"}')

    assert default["text_format_source"] == {"inline_string": TEXT_FORMAT}
    assert own["text_format_source"] == {"inline_string": "%START_TIME%\n"}


def test_json_has_istios_fields_unless_the_mesh_says_otherwise() -> None:
    default = log_format("{accessLogFile: /dev/stdout, accessLogEncoding: JSON}")
    own = log_format(
        '{accessLogFile: /log, accessLogEncoding: JSON, accessLogFormat: \'{"a": "%PATH%"}\'}'
    )

    assert default["json_format"] == JSON_FORMAT
    assert own["json_format"] == {"a": "%PATH%"}


def test_a_format_that_envoy_would_refuse_falls_back_to_istios() -> None:
    text = log_format('{accessLogFile: /log, accessLogFormat: "%NOPE%"}')
    as_json = log_format(
        '{accessLogFile: /log, accessLogEncoding: JSON, accessLogFormat: \'{"a": "100%"}\'}'
    )

    assert text["text_format_source"] == {"inline_string": TEXT_FORMAT}
    assert as_json["json_format"] == JSON_FORMAT


def test_json_format_that_is_none_falls_back_to_istios() -> None:
    made = log_format("{accessLogFile: /log, accessLogEncoding: JSON, accessLogFormat: none}")

    assert made["json_format"] == JSON_FORMAT


SERVICE = "{enableEnvoyAccessLogService: true, defaultConfig: {CONFIG}}"
SERVER = "{envoyAccessLogService: {address: als.example:9000}}"


def logs(made: dict[str, Any]) -> list[str]:
    return [log["typed_config"]["common_config"]["log_name"] for log in made.get("access_log", ())]


def test_logs_go_to_the_service_that_the_bootstrap_knows() -> None:
    mesh = mesh_of(http_service("web"), mesh_config=SERVICE.replace("{CONFIG}", SERVER))

    made = listener(mesh, "0.0.0.0_80")
    by_http, by_tcp = (
        chain["filters"][-1]["typed_config"]
        for chain in (made["filter_chains"][0], made["default_filter_chain"])
    )

    assert logs(by_http) == ["http_envoy_accesslog"]
    assert logs(by_tcp) == ["tcp_envoy_accesslog"]
    assert logs(listener(mesh, "virtualOutbound")) == ["listener_envoy_accesslog"]
    cluster = by_http["access_log"][0]["typed_config"]["common_config"]["grpc_service"]
    assert cluster == {"envoy_grpc": {"cluster_name": "envoy_accesslog_service"}}


def test_without_a_server_in_the_bootstrap_there_is_no_such_log() -> None:
    mesh = mesh_of(http_service("web"), mesh_config=SERVICE.replace("{CONFIG}", "{}"))

    assert logs(listener(mesh, "virtualOutbound")) == []
