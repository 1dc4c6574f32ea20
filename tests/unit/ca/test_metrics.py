"""What the authority counts."""

import re
from pathlib import Path

import pytest

from lateen.base.metrics import Registry
from lateen.ca.certificate_authority import CertificateAuthority
from lateen.ca.metrics import AuthorityMetrics
from lateen.ca.settings import AuthoritySettings
from lateen.identity.errors import StatusCode
from tests.unit.ca.times import Time


class Counted:
    def __init__(self, folder: Path) -> None:
        self.clock, self._registry = Time(), Registry()
        self.authority = CertificateAuthority(
            folder / "ca", AuthoritySettings(trust_domain="cluster.local"), clock=self.clock
        )
        self.metrics = AuthorityMetrics(self._registry, self.authority, self.clock)

    def value(self, series: str) -> float:
        found = re.search(
            rf"^citadel_server_{re.escape(series)} (\S+)$", self._registry.text(), re.M
        )
        assert found is not None, series
        return float(found[1])


@pytest.fixture
def counted(tmp_path: Path) -> Counted:
    return Counted(tmp_path)


@pytest.mark.parametrize(
    ("code", "series"),
    [
        (StatusCode.UNAUTHENTICATED, "authentication_failure_count"),
        (StatusCode.INVALID_ARGUMENT, "csr_parsing_err_count"),
        (StatusCode.PERMISSION_DENIED, 'csr_sign_err_count{error="refused"}'),
        (StatusCode.UNAVAILABLE, 'csr_sign_err_count{error="signer"}'),
    ],
)
def test_refusals_are_counted_by_reason(counted: Counted, code: StatusCode, series: str) -> None:
    counted.metrics.refused(code)
    assert counted.value(series) == 1
    assert counted.value("csr_count") == 1
    assert counted.value("success_cert_issuance_count") == 0


def test_issued_certificates_are_counted(counted: Counted) -> None:
    counted.metrics.accepted()
    assert counted.value("csr_count") == counted.value("success_cert_issuance_count") == 1


def test_the_end_of_the_root_is_told(counted: Counted) -> None:
    (root,) = counted.authority.roots
    ends = root.loaded.not_valid_after_utc.timestamp()
    assert counted.value("root_cert_expiry_timestamp") == ends
    assert counted.value("root_cert_expiry_seconds") == ends - counted.clock.now
    assert counted.value("cert_chain_expiry_timestamp") == ends
