"""A gRPC server that gets its listener by xDS: whom it serves, and how, the control plane says.

python -m tests.features.proxyless_server ADDRESS
"""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc

from tests.features.proxyless_client import METHOD


def main() -> None:
    server = grpc.server(ThreadPoolExecutor(4), xds=True)
    who = grpc.unary_unary_rpc_method_handler(lambda request, context: b"served")
    service, method = METHOD.strip("/").split("/")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: who}),))
    credentials = grpc.xds_server_credentials(grpc.insecure_server_credentials())
    server.add_secure_port(sys.argv[1], credentials)
    server.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
