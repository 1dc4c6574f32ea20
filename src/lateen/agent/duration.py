"""Durations as Istio's settings write them: `24h`, `1m30s`, `500ms`."""

import re

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


def seconds(text: str) -> float:
    """0 for none or nonsense."""
    parts = PART.findall(text)
    if "".join(number + unit for number, unit in parts) != text:
        return 0.0
    return sum(float(number) * SECONDS[unit] for number, unit in parts)
