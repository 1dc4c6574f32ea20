"""Messages declared in Python."""

from lateen.base.protobuf import STRUCT, Field, declare

MESSAGES = declare(
    "lateen.test",
    {
        "Outer": {
            "names": Field(1, "repeated string"),
            "inner": Field(2, "Inner"),
            "by_key": Field(3, "map<string, Inner>"),
            "metadata": Field(4, STRUCT),
        },
        "Inner": {"count": Field(1, "int64"), "is_set": Field(2, "bool")},
    },
)


def test_every_kind_of_field_reads_back() -> None:
    outer = MESSAGES["Outer"](names=["a", "b"])
    outer.inner.count = -3
    outer.by_key["x"].is_set = True
    outer.metadata["key"] = "value"
    again = MESSAGES["Outer"].FromString(outer.SerializeToString())
    assert again == outer
    assert again.metadata["key"] == "value"


def test_two_declarations_of_one_name_do_not_meet() -> None:
    other = declare("lateen.test", {"Outer": {"names": Field(7, "bytes")}})
    assert other["Outer"] is not MESSAGES["Outer"]
