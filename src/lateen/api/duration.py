"""A length of time as YAML of Istio and Kubernetes has it: Go's notation, `1h30m` or `0.5s`.

Kept as whole nanoseconds, so that equal lengths are equal however they were written.
"""

import re

UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")
WHOLE = re.compile(rf"[-+]?(?:0|(?:{PART.pattern})+)")
SECOND = 10**9


class Duration(int):
    """Nanoseconds."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Raises ValueError with what is wrong and what is expected."""
        if not WHOLE.fullmatch(text):
            raise ValueError(f'"{text}" is not a duration; write it as 1h, 30s, 1.5s or 250ms')
        total = sum(
            int(float(number) * UNITS[unit]) if "." in number else int(number) * UNITS[unit]
            for number, unit in PART.findall(text)
        )
        return cls(-total if text.startswith("-") else total)

    @property
    def seconds(self) -> float:
        return self / SECOND

    def __str__(self) -> str:
        whole, rest = divmod(int(self), SECOND)
        return f"{whole}s" if not rest else f"{int(self) / SECOND:.9f}".rstrip("0") + "s"
