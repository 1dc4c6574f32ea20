"""A gRPC server on a unix socket that only its owner may use."""

import os
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import grpc.aio

from lateen.agent.address import Address
from lateen.agent.errors import AgentError


async def serve(
    stack: AsyncExitStack, where: Address, handler: "grpc.GenericRpcHandler[bytes, bytes]"
) -> None:
    """Serves until the stack is left."""
    _remove(where.path)
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
        ]
    )
    server.add_generic_rpc_handlers((handler,))
    try:
        server.add_insecure_port(f"unix:{where.path}")
    except RuntimeError as taken:
        raise AgentError(f"cannot listen on {where}") from taken
    await server.start()
    os.chmod(where.path, 0o600)
    stack.push_async_callback(server.stop, None)


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)
