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
