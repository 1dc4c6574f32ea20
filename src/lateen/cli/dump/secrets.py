"""The table of secrets: which certificates a proxy holds and until when. Keys are never shown."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Any, NamedTuple

HEADING = (
    "RESOURCE NAME", "TYPE", "STATUS", "VALID CERT", "SERIAL NUMBER", "NOT AFTER", "NOT BEFORE",
    "TRUST DOMAIN",
)  # fmt: skip
REDACTED = "[redacted]"

Resource = dict[str, Any]


class Certificate(NamedTuple):
    serial: str
    not_after: str
    not_before: str
    trust_domain: str
    is_valid: bool


def rows(secrets: list[Resource], *, now: datetime | None = None) -> list[tuple[str, ...]]:
    moment = now or datetime.now(UTC)
    found: list[tuple[str, ...]] = []
    for entry in secrets:
        secret = entry.get("secret", {})
        name = entry.get("name") or secret.get("name", "")
        kind, pem = _content(secret)
        certificates = _certificates(pem, moment) if pem else []
        if not certificates:
            found.append((name, kind, entry["state"], "false", "", "", "", ""))
        for item in certificates:
            valid = str(item.is_valid).lower()
            found.append(
                (
                    name, kind, entry["state"], valid, item.serial, item.not_after,
                    item.not_before, item.trust_domain,
                )
            )  # fmt: skip
    return found


def documents(secrets: list[Resource]) -> list[Resource]:
    """The secrets as they are, without private keys (Envoy redacts them too)."""
    return [_without_key(entry) for entry in secrets]


def _without_key(entry: Resource) -> Resource:
    secret = dict(entry.get("secret", {}))
    if "tls_certificate" in secret:
        secret["tls_certificate"] = {
            key: REDACTED if key == "private_key" else value
            for key, value in secret["tls_certificate"].items()
        }
    return {**entry, "secret": secret}


def _content(secret: Resource) -> tuple[str, bytes]:
    if "tls_certificate" in secret:
        return "Cert Chain", _bytes(secret["tls_certificate"].get("certificate_chain", {}))
    if "validation_context" in secret:
        return "CA", _bytes(secret["validation_context"].get("trusted_ca", {}))
    return "Other", b""


def _bytes(source: Resource) -> bytes:
    if "inline_string" in source:
        return str(source["inline_string"]).encode()
    try:
        return base64.b64decode(source.get("inline_bytes", ""))
    except binascii.Error:
        return b""


def _certificates(pem: bytes, now: datetime) -> list[Certificate]:
    from cryptography import x509

    try:
        chain = x509.load_pem_x509_certificates(pem)
    except ValueError:
        return []
    return [
        Certificate(
            serial=format(item.serial_number, "x"),
            not_after=_time(item.not_valid_after_utc),
            not_before=_time(item.not_valid_before_utc),
            trust_domain=_trust_domain(item),
            is_valid=item.not_valid_before_utc <= now <= item.not_valid_after_utc,
        )
        for item in chain
    ]


def _trust_domain(certificate: Any) -> str:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    identities = names.get_values_for_type(x509.UniformResourceIdentifier)
    spiffe = next((uri for uri in identities if uri.startswith("spiffe://")), "")
    return str(spiffe.removeprefix("spiffe://").partition("/")[0])


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
