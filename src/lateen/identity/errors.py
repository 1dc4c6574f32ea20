"""Why a caller is refused, in gRPC's words so that every transport answers alike."""

from enum import IntEnum

from lateen.base.errors import LateenError


class StatusCode(IntEnum):
    """The gRPC status codes that identity and the certificate authority answer with."""

    INVALID_ARGUMENT = 3
    PERMISSION_DENIED = 7
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


class IdentityError(LateenError):
    """An identity, token or certificate that cannot be read or must not be believed."""


class Refused(LateenError):
    """A call that is answered with a status. The text goes to the caller: no secrets in it."""

    def __init__(self, code: StatusCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
