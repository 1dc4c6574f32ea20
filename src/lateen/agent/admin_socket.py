"""Envoy's admin interface behind a unix socket, for callers outside the network namespace.

Bytes go through as they come; the socket's mode (0600) is the access control.
"""

import asyncio

from lateen.agent import address
from lateen.agent.address import Address

CHUNK = 64 * 1024
CONNECT_SECONDS = 5.0


async def serve(socket: Address, admin: Address) -> asyncio.Server:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                admin_reader, admin_writer = await address.connect(admin)
        except (OSError, TimeoutError):
            writer.close()  # Envoy is not up (yet)
            return
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, admin_writer))
                both.create_task(_copy(admin_reader, writer))
        except* OSError:
            pass  # either side hung up
        finally:
            writer.close()
            admin_writer.close()

    server, _ = await address.serve(connected, socket)
    return server


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the reader ends (the callers decide how long that is); passes the end on."""
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
