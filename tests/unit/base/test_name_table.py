"""The name table on the wire."""

from lateen.base.name_table import NameTable


def test_a_table_has_istios_field_numbers() -> None:
    table = NameTable()
    table.table["a"].ips.append("1.2.3.4")
    table.table["a"].registry = "Kubernetes"
    assert table.SerializeToString() == b"\n\x1a\n\x01a\x12\x15\n\x071.2.3.4\x12\nKubernetes"


def test_unknown_fields_do_not_disturb() -> None:
    table = NameTable.FromString(b"\n\x03\n\x01a\x52\x01x")
    assert list(table.table) == ["a"]
