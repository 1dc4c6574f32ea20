"""Who this echo application says it is, taken from its environment.

`WORKLOAD`, `VERSION`, `NAMESPACE`, `POD_NAME` and `SERVICE_ACCOUNT` as a manifest may set them; the
same with the prefix `LATEEN_`, which `lateen up` sets for every application, where it does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    workload: str = "echo"
    version: str = ""
    namespace: str = ""
    pod: str = ""
    service_account: str = ""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Identity":
        def value(name: str, default: str = "") -> str:
            return environment.get(name) or environment.get(f"LATEEN_{name}") or default

        return cls(
            workload=value("WORKLOAD", "echo"),
            version=value("VERSION"),
            namespace=value("NAMESPACE"),
            pod=value("POD_NAME", environment.get("HOSTNAME", "")),
            service_account=value("SERVICE_ACCOUNT"),
        )


def caller(forwarded_client_cert: str) -> str:
    """The URI of the nearest client in an `x-forwarded-client-cert` header; empty without one.

    Elements are separated by commas, the nearest client last; pairs within one by semicolons. Both
    may stand inside quotes, where they separate nothing.
    """
    element = _split(forwarded_client_cert, ",")[-1]
    for pair in _split(element, ";"):
        key, _, value = pair.strip().partition("=")
        if key.lower() == "uri":
            return value.strip('"')
    return ""


def _split(text: str, separator: str) -> list[str]:
    parts, quoted, begin = [], False, 0
    for place, letter in enumerate(text):
        if letter == '"' and (place == 0 or text[place - 1] != "\\"):
            quoted = not quoted
        elif letter == separator and not quoted:
            parts.append(text[begin:place])
            begin = place + 1
    return [*parts, text[begin:]]
