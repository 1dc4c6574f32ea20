"""The settings file."""

from pathlib import Path

import pytest

from lateen.agent import settings
from lateen.agent.errors import AgentError

SMALLEST = b"""{
  "node": {"id": "sidecar~10.0.0.7~front-1.shop~shop.svc.cluster.local"},
  "workload": {"namespace": "shop", "name": "front-1"},
  "discovery": {"address": "10.0.0.1:15012", "root_cert": "root.pem"},
  "work_dir": "/run/mesh/front-1"
}"""


def test_the_smallest_file_has_istios_ports() -> None:
    found = settings.decode(SMALLEST)
    assert found.listeners.status.endswith(":15020")
    assert found.listeners.health.endswith(":15021")
    assert found.secret_ttl == 86400


def test_settings_read_back_as_they_were_written(tmp_path: Path) -> None:
    probes: dict[str, settings.Probe] = {
        "app/readyz": settings.HttpProbe(port=8080, path="/ready"),
        "app/livez": settings.TcpProbe(port=8080),
        "app/startupz": settings.GrpcProbe(port=9090, service="orders"),
    }
    import msgspec

    wanted = msgspec.structs.replace(settings.decode(SMALLEST), probes=probes)
    (tmp_path / "agent.json").write_bytes(settings.encode(wanted))
    assert settings.read(tmp_path / "agent.json") == wanted


def test_a_misspelt_field_is_named(tmp_path: Path) -> None:
    path = tmp_path / "agent.json"
    path.write_bytes(SMALLEST.replace(b"root_cert", b"root_crt"))
    with pytest.raises(AgentError, match=r"agent\.json.*root_crt"):
        settings.read(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match=r"none\.json"):
        settings.read(tmp_path / "none.json")
