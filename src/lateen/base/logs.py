"""Log lines of a process: `time level scope message field=value ...`, on standard error, in UTC."""

import logging
import sys
import time

STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"


class LineFormatter(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        fields = [
            f"{name}={value}" for name, value in vars(record).items() if name not in STANDARD_FIELDS
        ]
        return " ".join([text, *fields])


def to_stderr(level: str) -> None:
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(LineFormatter(LINE))
    logging.basicConfig(level=level.upper(), handlers=[output])
