"""The external authorizer of the corpus, over HTTP and over gRPC (envoy.service.auth.v3).

    python external_authorizer.py HTTP_PORT GRPC_PORT

Allows a request with the header `x-ext-authz: allow`, and a TCP connection whose peer is of the
service account `a`. What it decided and received goes into headers, for the cases to look at.
"""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc

from lateen.envoy import schema

ASKED, RESULT = "x-ext-authz", "x-ext-authz-check-result"
RECEIVED, OVERRIDE = "x-ext-authz-check-received", "x-ext-authz-additional-header-override"
GRPC_VALUE = "grpc-additional-header-override-value"
ACCOUNT = "/sa/a"
DENIED = b"denied: the request has no header x-ext-authz: allow"
PERMISSION_DENIED = 7


class HttpAuthorizer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        allowed = self.headers.get(ASKED) == "allow"
        body = b"" if allowed else DENIED
        self.send_response(200 if allowed else 403)
        self.send_header(RESULT, "allowed" if allowed else "denied")
        self.send_header(RECEIVED, f"{self.command} {self.path}, headers: {dict(self.headers)}")
        self.send_header(OVERRIDE, self.headers.get(OVERRIDE, ""))
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = answer


def check(request: Any, _: grpc.ServicerContext) -> Any:
    attributes = request.attributes
    http = attributes.request.http
    known = not http.method and attributes.source.principal.endswith(ACCOUNT)
    if http.headers.get(ASKED) == "allow" or known:
        return _response("allowed", http, 0)
    return _response("denied", http, PERMISSION_DENIED)


def _response(result: str, http: Any, code: int) -> Any:
    made = schema.message("envoy.service.auth.v3.CheckResponse")()
    made.status.code = code
    answer = made.denied_response if code else made.ok_response
    if code:
        answer.status.code = 403
        answer.body = DENIED.decode()
    received = f"{http.method} {http.path}, headers: {dict(http.headers)}"
    for name, value in ((RESULT, result), (RECEIVED, received), (OVERRIDE, GRPC_VALUE)):
        answer.headers.add().header.CopyFrom(
            schema.message("envoy.config.core.v3.HeaderValue")(key=name, value=value)
        )
    return made


def serve_grpc(port: int) -> grpc.Server:
    method = grpc.unary_unary_rpc_method_handler(
        check,
        request_deserializer=schema.message("envoy.service.auth.v3.CheckRequest").FromString,
        response_serializer=lambda message: message.SerializeToString(),
    )
    service = "envoy.service.auth.v3.Authorization"
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {"Check": method}),)
    )
    server.add_insecure_port(f"0.0.0.0:{port}")
    server.start()
    return server


if __name__ == "__main__":
    over_http = ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), HttpAuthorizer)
    threading.Thread(target=over_http.serve_forever).start()
    serve_grpc(int(sys.argv[2])).wait_for_termination()
