"""A gRPC client without a proxy: calls a target, prints what each call was answered as JSON lines.

    python -m tests.features.proxyless_client TARGET COUNT [HEADER VALUE]

Its own program, since gRPC reads GRPC_XDS_BOOTSTRAP when it is loaded.
"""

import json
import sys

import grpc
import grpc.experimental

METHOD = "/test.Echo/Who"
SECONDS = 10.0


def main() -> None:
    target, count, *header = sys.argv[1:]
    metadata = tuple(zip(header[::2], header[1::2], strict=True))
    plain = grpc.experimental.insecure_channel_credentials()  # type: ignore[no-untyped-call]
    credentials = grpc.xds_channel_credentials(plain)
    with grpc.secure_channel(target, credentials) as channel:
        call = channel.unary_unary(METHOD, None, None)
        for _ in range(int(count)):
            try:
                answer = call(b"", timeout=SECONDS, metadata=metadata, wait_for_ready=False)
                print(json.dumps({"who": answer.decode()}))
            except grpc.RpcError as failed:
                print(json.dumps({"code": failed.code().name, "said": failed.details()}))


if __name__ == "__main__":
    main()
