"""SPIFFE ids as Istio forms them: `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`."""

import re
from dataclasses import dataclass

from lateen.identity.errors import IdentityError

LONGEST = 2048  # bytes, by the SPIFFE standard
TRUST_DOMAIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,254}")
NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
SERVICE_ACCOUNT = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
FORM = re.compile(r"spiffe://([^/]+)/ns/([^/]+)/sa/([^/]+)")


@dataclass(frozen=True, slots=True)
class SpiffeId:
    """Who a workload is. Made through `parse` or `of`, which check the parts."""

    trust_domain: str
    namespace: str
    service_account: str

    def __str__(self) -> str:
        return f"spiffe://{self.trust_domain}/ns/{self.namespace}/sa/{self.service_account}"


def of(*, trust_domain: str, namespace: str, service_account: str) -> SpiffeId:
    _require(TRUST_DOMAIN, trust_domain, "trust domain")
    _require(NAMESPACE, namespace, "namespace")
    _require(SERVICE_ACCOUNT, service_account, "service account")
    return SpiffeId(trust_domain, namespace, service_account)


def parse(uri: str) -> SpiffeId:
    found = FORM.fullmatch(uri) if len(uri) <= LONGEST else None
    if found is None:
        raise IdentityError(
            f"{uri[:100]!r} is not of the form spiffe://<trust domain>/ns/<namespace>/sa/<account>"
        )
    return of(trust_domain=found[1], namespace=found[2], service_account=found[3])


def _require(form: re.Pattern[str], value: str, what: str) -> None:
    if not form.fullmatch(value):
        raise IdentityError(f"{value[:100]!r} is not a valid {what}")
