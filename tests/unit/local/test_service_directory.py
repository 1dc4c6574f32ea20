"""Services by name and address, as the control plane tells them."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lateen.config.documents import read
from lateen.local.service_directory import ServiceDirectory

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: app}
spec: {ports: [{name: http, port: 80}]}
"""


@dataclass
class Explicit:
    """A network without capture."""

    captures: bool = False


@dataclass
class Place:
    index: int = 7


def test_pods_that_start_together_all_learn_the_addresses(tmp_path: Path) -> None:
    async def scenario() -> list[dict[str, str]]:
        asked = 0

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal asked
            asked += 1
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0)
            body = json.dumps(
                [{"hostname": "reviews.app.svc.cluster.local", "addresses": ["127.64.1.0"]}]
            ).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
            writer.close()

        admin = tmp_path / "admin.sock"
        server = await asyncio.start_unix_server(answer, admin)
        async with server:
            network: Any = Explicit()
            services = ServiceDirectory(network, admin, lambda: ())
            services.update(read(SERVICE).resources)
            place: Any = Place()
            found = await asyncio.gather(*(services.environment("app", place) for _ in range(3)))
        assert asked == 1
        return list(found)

    assert [each["REVIEWS_SERVICE_HOST"] for each in asyncio.run(scenario())] == ["127.64.1.7"] * 3
