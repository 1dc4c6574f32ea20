"""What the certificate authority counts, under Istio's names."""

from lateen.base.clock import Clock
from lateen.base.metrics import Registry
from lateen.ca.certificate_authority import CertificateAuthority
from lateen.identity.errors import StatusCode


class AuthorityMetrics:
    """Owns the series."""

    def __init__(self, registry: Registry, authority: CertificateAuthority, clock: Clock) -> None:
        counter, gauge = registry.counter, registry.read_gauge
        self._requests = counter("citadel_server_csr_count", "Certificate requests.").labels()
        self._issued = counter(
            "citadel_server_success_cert_issuance_count", "Certificates issued."
        ).labels()
        self._unproven = counter(
            "citadel_server_authentication_failure_count", "Requests of callers that prove nothing."
        ).labels()
        self._improper = counter(
            "citadel_server_csr_parsing_err_count", "Requests that are not in order."
        ).labels()
        self._unsigned = counter(
            "citadel_server_csr_sign_err_count", "Requests that could not be signed.", "error"
        )
        gauge(
            "citadel_server_root_cert_expiry_timestamp",
            "When the first of the trusted roots expires, in seconds since 1970.",
            lambda: _first_end(authority),
        )
        gauge(
            "citadel_server_root_cert_expiry_seconds",
            "Seconds until the first of the trusted roots expires.",
            lambda: _first_end(authority) - clock(),
        )
        gauge(
            "citadel_server_cert_chain_expiry_timestamp",
            "When the certificate that signs here expires, in seconds since 1970.",
            lambda: authority.local.certificate.not_valid_after_utc.timestamp(),
        )

    def accepted(self) -> None:
        self._requests.add()
        self._issued.add()

    def refused(self, code: StatusCode) -> None:
        self._requests.add()
        if code is StatusCode.UNAUTHENTICATED:
            self._unproven.add()
        elif code is StatusCode.UNAVAILABLE:
            self._unsigned.labels("signer").add()
        elif code is StatusCode.PERMISSION_DENIED:
            self._unsigned.labels("refused").add()
        else:
            self._improper.add()


def _first_end(authority: CertificateAuthority) -> float:
    """0 before a server elsewhere has named its roots."""
    ends = (root.loaded.not_valid_after_utc.timestamp() for root in authority.roots)
    return min(ends, default=0.0)
