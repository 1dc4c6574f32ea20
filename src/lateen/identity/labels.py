"""What a workload says of itself besides its identity, in a form a certificate can carry.

A peer reads them from the certificate, so they are as trustworthy as the identity. In the
certificate they are DNS names of the form `<key>=<value>`, always all of them and in the order of
the fields: the equals sign can stand in no host name, so no label makes its owner a server.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields

from lateen.identity.errors import IdentityError

VALUE = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,252})?")


@dataclass(frozen=True, slots=True)
class WorkloadLabels:
    workload: str = ""
    canonical_service: str = ""
    canonical_revision: str = ""
    namespace: str = ""
    app: str = ""
    version: str = ""
    cluster: str = ""

    def claims(self) -> dict[str, str]:
        return dict(zip(KEYS, astuple(self), strict=True))

    def dns_names(self) -> tuple[str, ...]:
        return tuple(f"{key}={value}" for key, value in self.claims().items())


KEYS = tuple(field.name for field in fields(WorkloadLabels))


def from_claims(claims: Mapping[str, object]) -> WorkloadLabels:
    """Reads labels out of a verified token; keys it does not know are left aside."""
    known = {key: str(claims[key]) for key in KEYS if key in claims}
    for key, value in known.items():
        if not VALUE.fullmatch(value):
            raise IdentityError(f"{value[:100]!r} cannot be the {key} of a workload")
    return WorkloadLabels(**known)


def from_dns_names(names: Iterable[str]) -> WorkloadLabels | None:
    """Reads labels back from a certificate; None when it carries none."""
    pairs = [name.partition("=") for name in names if "=" in name]
    return from_claims({key: value for key, _, value in pairs}) if pairs else None
