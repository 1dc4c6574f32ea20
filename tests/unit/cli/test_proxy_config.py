import contextlib
import io
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lateen.cli.main import main
from lateen.envoy import admin, messages, schema
from tests.envoy_check import bootstrap

START_SECONDS = 20
OPTIONS = ("--disable-hot-restart", "--concurrency", "1")

DUMP = {
    "configs": [
        {
            "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump",
            "dynamic_active_clusters": [
                {"cluster": {"name": "outbound|80||a.shop.svc", "type": "EDS"}}
            ],
        },
        {
            "@type": "type.googleapis.com/envoy.admin.v3.EndpointsConfigDump",
            "dynamic_endpoint_configs": [
                {
                    "endpoint_config": {
                        "cluster_name": "outbound|80||a.shop.svc",
                        "endpoints": [
                            {
                                "lb_endpoints": [
                                    {
                                        "endpoint": {
                                            "address": {
                                                "socket_address": {
                                                    "address": "10.0.0.1", "port_value": 8080,
                                                }
                                            }
                                        },
                                        "health_status": "UNHEALTHY",
                                    }
                                ]
                            }
                        ],
                    }
                }
            ],
        },
    ]
}  # fmt: skip


@pytest.fixture
def dump(tmp_path: Path) -> str:
    path = tmp_path / "dump.json"
    path.write_text(json.dumps(DUMP))
    return str(path)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[str]:
    """A real Envoy; its admin interface is a unix socket."""
    socket = tmp_path / "admin.sock"
    config = bootstrap()
    config.ClearField("dynamic_resources")
    config.admin.address.pipe.path = str(socket)
    path = tmp_path / "bootstrap.pb"
    path.write_bytes(messages.serialize(config))
    command = [str(schema.binary()), "--config-path", str(path), *OPTIONS]
    envoy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_ready(envoy, str(socket))
        yield str(socket)
    finally:
        envoy.terminate()
        envoy.wait(20)


def wait_until_ready(envoy: "subprocess.Popen[bytes]", socket: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not admin.connect(socket).ready():
        assert envoy.poll() is None, "Envoy has ended"
        assert time.monotonic() < deadline, "Envoy is not ready"
        with contextlib.suppress(subprocess.TimeoutExpired):
            envoy.wait(0.05)


def test_a_dump_is_shown_as_tables(dump: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["proxy-config", "cluster", "-f", dump]) == 0
    heading, row = capsys.readouterr().out.splitlines()

    assert heading.split("  ")[0] == "SERVICE FQDN"
    assert row.split() == ["a.shop.svc", "80", "-", "outbound", "EDS"]


def test_endpoints_of_a_dump_have_their_configured_health(
    dump: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pc", "ep", "-f", dump, "--status", "unhealthy", "-o", "json"]) == 0

    assert json.loads(capsys.readouterr().out) == [
        {
            "address": "10.0.0.1", "port": 8080, "status": "UNHEALTHY", "outlier_check": "-",
            "cluster": "outbound|80||a.shop.svc",
        }
    ]  # fmt: skip


def test_standard_input_and_yaml(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = {"clusters": [{"name": "inbound|80||"}], "listeners": []}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(rendered)))

    assert main(["proxy-config", "cluster", "-f", "-", "-o", "yaml"]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == [{"name": "inbound|80||"}]


@pytest.mark.parametrize("text", ["[]", "{}", "no json"])
def test_what_is_no_dump_is_refused_in_one_line(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "dump.json"
    path.write_text(text)

    assert main(["proxy-config", "all", "-f", str(path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.envoy
def test_a_running_proxy_is_asked_for_everything(
    proxy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["proxy-config", "cluster", "--admin", proxy, "--fqdn", "xds"]) == 0
    assert "xds-grpc" in capsys.readouterr().out
    assert main(["proxy-config", "endpoint", "--admin", proxy, "--cluster", "sds-grpc"]) == 0
    assert "HEALTHY     OK" in capsys.readouterr().out
    assert main(["proxy-config", "bootstrap", "--admin", proxy]) == 0
    assert json.loads(capsys.readouterr().out)["bootstrap"]["node"]["cluster"] == "check"
    assert main(["proxy-config", "all", "--admin", proxy]) == 0


@pytest.mark.envoy
def test_log_levels_are_read_and_set(proxy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["proxy-config", "log", "--admin", proxy, "--level", "http:debug,rbac:off"]) == 0
    shown = capsys.readouterr().out

    assert "  http: debug" in shown
    assert "  rbac: off" in shown
    assert main(["proxy-config", "log", "--admin", proxy, "--level", "http:loud"]) == 2
    assert main(["proxy-config", "log", "--admin", proxy, "-r"]) == 0
    assert "  http: warning" in capsys.readouterr().out


def test_a_proxy_that_does_not_answer_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["proxy-config", "cluster", "--admin", str(tmp_path / "none.sock")]) == 2
    assert "does not answer" in capsys.readouterr().err
