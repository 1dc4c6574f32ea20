"""Kubernetes quantities, `250m`, `128Mi`, `1e3`, as numbers."""

import math
import re
from fractions import Fraction

TEXT = re.compile(r"([+-]?[0-9]*\.?[0-9]+)(?:[eE]([+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i))?")
DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def parse(quantity: str | int | float) -> Fraction:
    """Raises ValueError with what is expected."""
    found = TEXT.fullmatch(str(quantity).strip())
    if not found:
        raise ValueError(f"{quantity!r} is not a quantity such as 500m, 1 or 128Mi")
    number, exponent, suffix = found.groups()
    if suffix in BINARY:
        return Fraction(number) * int(1024 ** BINARY[suffix])
    power = int(exponent) if exponent else DECIMAL[suffix or ""]
    scale = Fraction(int(10 ** abs(power)))
    return Fraction(number) * (scale if power >= 0 else 1 / scale)


def in_units(quantity: str | int | float, divisor: str | int | float) -> int:
    """How many divisors it is, rounded up, as `resourceFieldRef` has it."""
    return math.ceil(parse(quantity) / (parse(divisor or 1) or 1))
