from pathlib import Path

import pytest

from lateen.jwks.errors import SettingError
from lateen.jwks.settings import Fetcher, KeySettings, fetcher, read_settings


def test_nothing_said_is_the_defaults() -> None:
    assert read_settings({}) == KeySettings()


def test_the_environment_says_all() -> None:
    found = read_settings(
        {
            "PILOT_JWT_PUB_KEY_REFRESH_INTERVAL": "5m",
            "LATEEN_JWKS_AGE_LIMIT": "1h",
            "LATEEN_JWKS_ALLOW": "127.0.0.1, keys.local",
            "LATEEN_JWKS_DENY": "10.0.0.0/8",
            "LATEEN_JWKS_CA": "/etc/roots.pem",
        }
    )

    assert (found.refresh_seconds, found.age_limit_seconds) == (300, 3600)
    assert found.reach.allowed_hosts == {"keys.local"}
    assert found.reach.refusal("x", "10.1.1.1")
    assert found.authorities == Path("/etc/roots.pem")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", Fetcher.HYBRID),
        ("true", Fetcher.HYBRID),
        ("Hybrid", Fetcher.HYBRID),
        ("false", Fetcher.CONTROL),
        ("off", Fetcher.CONTROL),
        ("envoy", Fetcher.PROXY),
    ],
)
def test_the_fetcher_is_named_as_istio_does(text: str, meant: Fetcher) -> None:
    assert fetcher(text) is meant


def test_wrong_settings_name_the_variable() -> None:
    with pytest.raises(SettingError, match="PILOT_JWT_ENABLE_REMOTE_JWKS"):
        fetcher("sometimes")
    with pytest.raises(SettingError, match="LATEEN_JWKS_AGE_LIMIT"):
        read_settings({"LATEEN_JWKS_AGE_LIMIT": "soon"})
    with pytest.raises(SettingError, match="less than a second"):
        read_settings({"PILOT_JWT_PUB_KEY_REFRESH_INTERVAL": "1ms"})
