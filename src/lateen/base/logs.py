"""Log lines of a process: `time level scope message field=value ...`, on standard error, in UTC.

A message is one line, whatever somebody else's text in it holds: letters that would end the line or
steer a terminal are written as escapes. Only a traceback adds lines of its own.
"""

import logging
import sys
import time

STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code != 9}
LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"


class LineFormatter(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def formatMessage(self, record: logging.LogRecord) -> str:
        fields = [
            f"{name}={value}" for name, value in vars(record).items() if name not in STANDARD_FIELDS
        ]
        return " ".join([super().formatMessage(record), *fields]).translate(ESCAPES)


def to_stderr(level: str) -> None:
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(LineFormatter(LINE))
    logging.basicConfig(level=level.upper(), handlers=[output])
