"""Names and places of workloads."""

from lateen.catalog.service import Locality
from lateen.catalog.workload import canonical_name, canonical_revision, parse_locality


def test_canonical_name_by_label_then_workload() -> None:
    assert canonical_name({"service.istio.io/canonical-name": "a", "app": "b"}, "w") == "a"
    assert canonical_name({"app.kubernetes.io/name": "a", "app": "b"}, "w") == "a"
    assert canonical_name({"app": "b"}, "w") == "b"
    assert canonical_name({}, "w") == "w"


def test_canonical_revision_by_label_then_latest() -> None:
    assert canonical_revision({"service.istio.io/canonical-revision": "r", "version": "v"}) == "r"
    assert canonical_revision({"app.kubernetes.io/version": "r", "version": "v"}) == "r"
    assert canonical_revision({"version": "v"}) == "v"
    assert canonical_revision({}) == "latest"


def test_locality_is_written_with_slashes_or_dots() -> None:
    assert parse_locality("r/z/s") == Locality("r", "z", "s")
    assert parse_locality("r.z.s") == Locality("r", "z", "s")
    assert parse_locality("r/z.1") == Locality("r", "z.1")
    assert parse_locality("") == Locality()
