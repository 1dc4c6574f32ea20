"""What changes while the control plane runs."""

import time
from pathlib import Path
from random import Random

from cryptography.hazmat.primitives.asymmetric import ec

from lateen.ca.authority import Authority
from lateen.ca.rotation import RotatingAuthority, ServerCertificateRotation

YEAR = 365 * 86400


class Time:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def test_a_root_near_its_end_is_renewed_while_running(tmp_path: Path) -> None:
    clock, changes = Time(), list[Authority]()
    rotating = RotatingAuthority(
        tmp_path / "ca", trust_domain="cluster.local", clock=clock, random=Random(1)
    )
    first = rotating.current()
    rotating.refresh(changes.append)
    assert not changes
    clock.now += 9 * YEAR
    rotating.refresh(changes.append)
    assert changes == [rotating.current()]
    assert rotating.current().certificate.public_key() == first.certificate.public_key()


def test_a_file_that_went_bad_keeps_the_last_good_authority(tmp_path: Path) -> None:
    rotating = RotatingAuthority(
        tmp_path / "ca", trust_domain="cluster.local", clock=Time(), random=Random(1)
    )
    good, changes = rotating.current(), list[Authority]()
    (tmp_path / "ca" / "ca-cert.pem").write_text("half writ")
    rotating.refresh(changes.append)
    assert rotating.current() is good
    assert not changes


def test_a_renewed_server_certificate_has_a_new_key(tmp_path: Path) -> None:
    rotating = RotatingAuthority(
        tmp_path / "ca", trust_domain="cluster.local", clock=Time(), random=Random(1)
    )
    server = ServerCertificateRotation(rotating.current, clock=Time(), random=Random(1))
    context, first = server.context, server.certificate
    server.renew()
    assert server.context is context
    assert server.certificate.key != first.key
    assert isinstance(rotating.current().key, ec.EllipticCurvePrivateKey)
