"""Places of workloads."""

from lateen.catalog.service import Locality
from lateen.catalog.workload import parse_locality


def test_locality_is_written_with_slashes_or_dots() -> None:
    assert parse_locality("r/z/s") == Locality("r", "z", "s")
    assert parse_locality("r.z.s") == Locality("r", "z", "s")
    assert parse_locality("r/z.1") == Locality("r", "z.1")
    assert parse_locality("") == Locality()
