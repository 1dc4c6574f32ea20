"""Keys of token issuers that publish them: by `jwksUri`, or by OpenID Connect discovery.

Fetched as those of RequestAuthentication are: at a bounded cost, from checked addresses, refreshed,
kept over restarts, and closed when they are too old. An issuer without good keys is not believed.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random

from lateen.base.clock import Clock
from lateen.base.metrics import Registry
from lateen.base.tasks import Tasks
from lateen.control.token_keys import server_trust
from lateen.identity.errors import IdentityError
from lateen.identity.public_keys import VerificationKey, parse
from lateen.jwks.fetch import Fetch
from lateen.jwks.refresh import KeyRefresh
from lateen.jwks.settings import KeySettings
from lateen.jwks.source import KeySource

FOLDER = "issuer-keys"  # below the control plane's state
TIMEOUT_SECONDS = 5.0


class IssuerKeys:
    """Owns the keys that are good at the moment."""

    def __init__(self, settings: KeySettings, *, state: Path, clock: Clock, random: Random) -> None:
        self._good: dict[KeySource, tuple[VerificationKey, ...]] = {}
        self._sources: dict[KeySource, float] = {}
        self._refresh = KeyRefresh(
            settings,
            Fetch(settings.reach, server_trust(settings)),
            folder=state / FOLDER,
            clock=clock,
            random=random,
            metrics=Registry(),  # those of RequestAuthentication have these names already
            changed=self._take,
            troubled=lambda: None,
        )

    def of(self, source: KeySource) -> Callable[[], tuple[VerificationKey, ...]]:
        """Asked at each token; nothing while there are no good keys."""
        self._sources[source] = TIMEOUT_SECONDS
        return lambda: self._good.get(source, ())

    def start(self, tasks: Tasks) -> None:
        if self._sources:
            self._refresh.start(tasks)
            self._refresh.want(self._sources)

    def _take(self, source: KeySource, document: str) -> None:
        try:
            self._good[source] = parse(document.encode()) if document else ()
        except IdentityError:
            self._good[source] = ()
