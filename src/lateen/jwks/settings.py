"""How keys are fetched: by whom, how often, from where, and for how long they are good.

The defaults are Istio's where it has one. Every setting has an environment variable, so that
`lateen up` can hand it to the control plane that it starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from lateen.api.duration import Duration
from lateen.jwks.errors import SettingError
from lateen.jwks.reach import Reach

MODE = "PILOT_JWT_ENABLE_REMOTE_JWKS"
REFRESH = "PILOT_JWT_PUB_KEY_REFRESH_INTERVAL"
AGE_LIMIT = "LATEEN_JWKS_AGE_LIMIT"
ALLOW = "LATEEN_JWKS_ALLOW"
DENY = "LATEEN_JWKS_DENY"
AUTHORITIES = "LATEEN_JWKS_CA"
REFRESH_SECONDS = 20 * 60.0
AGE_LIMIT_SECONDS = 24 * 3600.0
LEAST_REFRESH_SECONDS = 1.0


class Fetcher(StrEnum):
    """Who fetches what a `jwksUri` names."""

    CONTROL = "off"  # always the control plane
    HYBRID = "hybrid"  # the proxy, where the URI leads to a service of the mesh
    PROXY = "envoy"  # only the proxy; what is no service of the mesh cannot be fetched


MODES = {"": Fetcher.HYBRID, "false": Fetcher.CONTROL, "true": Fetcher.HYBRID}


@dataclass(frozen=True, slots=True)
class KeySettings:
    """`authorities` is a PEM file of roots that are trusted besides the system's."""

    refresh_seconds: float = REFRESH_SECONDS
    age_limit_seconds: float = AGE_LIMIT_SECONDS
    reach: Reach = field(default_factory=Reach)
    authorities: Path | None = None


def fetcher(text: str) -> Fetcher:
    """As Istio reads the variable; raises SettingError."""
    word = text.strip().lower()
    try:
        return MODES.get(word) or Fetcher(word)
    except ValueError as unknown:
        raise SettingError(f'{MODE}: "{text}" is not off, hybrid or envoy') from unknown


def read_settings(environment: Mapping[str, str]) -> KeySettings:
    """Raises SettingError that names the variable."""
    file = environment.get(AUTHORITIES, "")
    return KeySettings(
        refresh_seconds=_seconds(environment, REFRESH, REFRESH_SECONDS),
        age_limit_seconds=_seconds(environment, AGE_LIMIT, AGE_LIMIT_SECONDS),
        reach=Reach.parse(_words(environment, ALLOW), _words(environment, DENY)),
        authorities=Path(file) if file else None,
    )


def _words(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(word for word in environment.get(name, "").replace(",", " ").split() if word)


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name, "")
    if not text:
        return default
    try:
        seconds = Duration.parse(text).seconds
    except ValueError as wrong:
        raise SettingError(f"{name}: {wrong}") from wrong
    if seconds < LEAST_REFRESH_SECONDS:
        raise SettingError(f"{name}: {text} is less than a second")
    return seconds
