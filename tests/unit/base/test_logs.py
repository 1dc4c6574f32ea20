"""Log lines."""

import logging

from lateen.base.logs import LINE, LineFormatter


def test_fields_follow_the_message() -> None:
    record = logging.makeLogRecord(
        {"name": "lateen.xds", "levelname": "INFO", "msg": "sent", "created": 0.25, "msecs": 250,
         "proxy": "a.b", "size": 3}
    )  # fmt: skip
    line = LineFormatter(LINE).format(record)
    assert line == "1970-01-01T00:00:00.250Z INFO lateen.xds sent proxy=a.b size=3"


def test_a_message_is_one_line_whatever_is_in_it() -> None:
    record = logging.makeLogRecord(
        {"msg": "node %s", "args": ("a\nb\x1b[31m",), "name": "x", "node": "c\r\nd"}
    )
    line = LineFormatter(LINE).format(record)
    assert line.endswith(r"node a\x0ab\x1b[31m node=c\x0d\x0ad")
