"""`grpc.health.v1.Health/Check`: SERVING until the service is told to stop."""

from collections.abc import Callable

from google.protobuf.message import DecodeError

from lateen.base.protobuf import Field, declare
from lateen.xds.transport.call import Call
from lateen.xds.transport.service import Unary
from lateen.xds.transport.status import CallRefused, Status

METHOD = "/grpc.health.v1.Health/Check"
SERVING, NOT_SERVING = 1, 2  # HealthCheckResponse.ServingStatus

_TYPES = declare(
    "grpc.health.v1",
    {
        "HealthCheckRequest": {"service": Field(1, "string")},
        "HealthCheckResponse": {"status": Field(1, "int32")},  # an enum, by number
    },
)
Request, Response = _TYPES["HealthCheckRequest"], _TYPES["HealthCheckResponse"]


def health(service: str, serves: Callable[[], bool]) -> Unary:
    """Answers for the whole server (empty name) and for that one service."""

    def check(call: Call, message: bytes) -> bytes:
        try:
            name = Request.FromString(message).service
        except DecodeError as wrong:
            raise CallRefused(Status.INVALID_ARGUMENT, "not a HealthCheckRequest") from wrong
        if name not in ("", service):
            raise CallRefused(Status.NOT_FOUND, f"there is no service {name[:100]!r} here")
        status = SERVING if serves() else NOT_SERVING
        return bytes(Response(status=status).SerializeToString())

    return Unary(check)
