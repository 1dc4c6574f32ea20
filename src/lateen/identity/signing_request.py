"""The messages of `istio.v1.auth.IstioCertificateService`, spoken by agents and the authority."""

from typing import Any

from lateen.base.protobuf import STRUCT, Field, declare

METHOD = "/istio.v1.auth.IstioCertificateService/CreateCertificate"

_MESSAGES = declare(
    "istio.v1.auth",
    {
        "IstioCertificateRequest": {
            "csr": Field(1, "string"),
            "validity_duration": Field(3, "int64"),
            "metadata": Field(4, STRUCT),
        },
        "IstioCertificateResponse": {"cert_chain": Field(1, "repeated string")},
    },
)
IstioCertificateRequest: Any = _MESSAGES["IstioCertificateRequest"]
IstioCertificateResponse: Any = _MESSAGES["IstioCertificateResponse"]
