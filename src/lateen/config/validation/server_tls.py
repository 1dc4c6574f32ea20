"""TLS of a server: of a Gateway's, and of a Sidecar's ingress listener."""

from lateen.api.gateway import ServerTLSSettings, TLSmode
from lateen.config.validation.report import Report

CIPHER_SUITES = frozenset(
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-SHA",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-ECDSA-AES256-SHA",
        "ECDHE-RSA-AES256-SHA",
        "ECDHE-PSK-AES128-CBC-SHA",
        "ECDHE-PSK-AES256-CBC-SHA",
        "ECDHE-PSK-CHACHA20-POLY1305",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "AES128-SHA",
        "AES256-SHA",
        "PSK-AES128-CBC-SHA",
        "PSK-AES256-CBC-SHA",
        "DES-CBC3-SHA",
        "ALL",
        "DEFAULT",
    )
)
MOST_CERTIFICATES = 2  # one RSA and one ECDSA, between which a client chooses
TITLES = {
    "serverCertificate": "server certificate",
    "privateKey": "private key",
    "caCertificates": "CA bundle",
}
VERIFYING = (TLSmode.MUTUAL, TLSmode.OPTIONAL_MUTUAL)


def check_server_tls(report: Report, path: str, tls: ServerTLSSettings | None) -> None:
    if tls is None:
        return
    check_ciphers(report, path, tls)
    match tls.mode:
        case TLSmode.ISTIO_MUTUAL:
            forbid_certificates(report, path, tls)
        case TLSmode.PASSTHROUGH | TLSmode.AUTO_PASSTHROUGH:
            warn_of_certificates(report, path, tls)
        case _:
            check_certificates(report, path, tls)


def check_ciphers(report: Report, path: str, tls: ServerTLSSettings) -> None:
    seen: set[str] = set()
    for index, cipher in enumerate(tls.cipher_suites):
        where = f"{path}.cipherSuites[{index}]"
        if cipher in seen:
            report.warning(where, f'cipher suite "{cipher}" is there twice')
        elif cipher[:1].isalnum() and cipher not in CIPHER_SUITES:  # not an operation: -X, !X
            report.warning(where, f'"{cipher}" is not a known cipher suite and is ignored')
        seen.add(cipher)


def configured(tls: ServerTLSSettings) -> list[str]:
    return [
        name
        for name, value in (
            ("serverCertificate", tls.server_certificate),
            ("privateKey", tls.private_key),
            ("caCertificates", tls.ca_certificates),
            ("credentialName", tls.credential_name),
            ("credentialNames", tls.credential_names),
            ("tlsCertificates", tls.tls_certificates),
            ("caCertCredentialName", tls.ca_cert_credential_name),
        )
        if value
    ]


def forbid_certificates(report: Report, path: str, tls: ServerTLSSettings) -> None:
    for name in configured(tls):
        report.error(
            f"{path}.{name}",
            f"ISTIO_MUTUAL TLS cannot have associated {TITLES.get(name, name)}",
            "the mesh provides it",
        )


def warn_of_certificates(report: Report, path: str, tls: ServerTLSSettings) -> None:
    for name in configured(tls):
        report.warning(f"{path}.{name}", f"{name} has no effect with {tls.mode}")


def check_certificates(report: Report, path: str, tls: ServerTLSSettings) -> None:
    """SIMPLE, MUTUAL and OPTIONAL_MUTUAL: one source of certificates, complete."""
    by_file = bool(tls.server_certificate and tls.private_key)
    sources = [
        bool(tls.credential_name),
        bool(tls.credential_names),
        by_file,
        bool(tls.tls_certificates),
    ]
    if sum(sources) > 1:
        report.error(
            path,
            "only one of credential_name, credential_names, server_certificate/private_key, or "
            "tls_certificates may be set",
        )
    remote = bool(tls.credential_name or tls.credential_names)
    if tls.mode is TLSmode.SIMPLE and tls.ca_crl and not remote:
        report.error(f"{path}.caCrl", "CRL is not supported with SIMPLE TLS")
    if remote:
        check_count(report, f"{path}.credentialNames", tls, len(tls.credential_names))
        return
    if tls.tls_certificates:
        check_certificate_list(report, f"{path}.tlsCertificates", tls)
    else:
        check_certificate(
            report, path, tls.mode, certificate=tls.server_certificate, key=tls.private_key
        )
    if tls.mode in VERIFYING and not (tls.ca_certificates or tls.ca_cert_credential_name):
        report.error(f"{path}.caCertificates", f"{tls.mode} TLS requires a client CA bundle")


def check_certificate_list(report: Report, path: str, tls: ServerTLSSettings) -> None:
    check_count(report, path, tls, len(tls.tls_certificates))
    for index, certificate in enumerate(tls.tls_certificates):
        check_certificate(
            report,
            f"{path}[{index}]",
            tls.mode,
            certificate=certificate.server_certificate,
            key=certificate.private_key,
        )


def check_count(report: Report, path: str, tls: ServerTLSSettings, count: int) -> None:
    if count > MOST_CERTIFICATES:
        report.warning(
            path, f"{tls.mode} TLS can support up to {MOST_CERTIFICATES} server certificates"
        )


def check_certificate(
    report: Report, path: str, mode: TLSmode, *, certificate: str, key: str
) -> None:
    if not certificate:
        report.error(f"{path}.serverCertificate", f"{mode} TLS requires a server certificate")
    if not key:
        report.error(f"{path}.privateKey", f"{mode} TLS requires a private key")
