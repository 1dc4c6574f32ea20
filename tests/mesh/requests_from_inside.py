"""A client that runs in a workload's place and reports every request as a line of JSON.

    lateen exec client -- python requests_from_inside.py < plan.json

The plan: {"url": ..., "count": 1, "rate": 0, "headers": {}, "method": "GET", "http2": false,
"timeout": 10, "concurrency": 8, "seconds": 0}. With a rate, requests start evenly spaced, whatever
the answers take, for `count` requests or `seconds`; with a folder `signals` in which the file
`begun` then appears, they end when the file `done` does, though not before the `least` number.
Proxy variables of the environment are honoured, so the same plan works where traffic is captured
and where it is not. Besides http and https there are h2c://, grpc:// and tcp://, a connection each,
and ws://.
"""

import asyncio
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import websockets

from lateen.echo.client import Call, CallError, call


async def one(client: httpx.AsyncClient, plan: dict[str, Any]) -> dict[str, Any]:
    began = time.monotonic()
    scheme = urlsplit(plan["url"]).scheme
    if scheme == "ws":
        return await websocket(plan, began)
    if scheme not in ("http", "https"):
        return await other(plan, began)
    try:
        answer = await client.request(
            plan.get("method", "GET"),
            plan["url"],
            headers=plan.get("headers"),
            content=plan.get("body"),
        )
    except httpx.HTTPError as trouble:
        return {"error": f"{type(trouble).__name__}: {trouble}", "ms": elapsed(began)}
    return {
        "status": answer.status_code,
        "ms": elapsed(began),
        "protocol": answer.http_version,
        "headers": dict(answer.headers),
        "body": answer.text,
    }


async def other(plan: dict[str, Any], began: float) -> dict[str, Any]:
    onwards = Call(
        url=reachable(plan["url"]),
        method=plan.get("method", "GET"),
        headers=tuple((plan.get("headers") or {}).items()),
        body=(plan.get("body") or "").encode(),
    )
    try:
        async with asyncio.timeout(plan.get("timeout", 10)):
            answer = await call(onwards, os.environ)
    except (CallError, TimeoutError) as trouble:
        return {"error": f"{type(trouble).__name__}: {trouble}", "ms": elapsed(began)}
    return {
        "status": answer.status,
        "ms": elapsed(began),
        "headers": dict(answer.headers),
        "body": answer.body.decode(errors="replace"),
    }


async def websocket(plan: dict[str, Any], began: float) -> dict[str, Any]:
    try:
        async with websockets.connect(
            reachable(plan["url"]), proxy=None, open_timeout=plan.get("timeout", 10)
        ) as socket_:
            await socket_.send(plan.get("body", "hello"))
            answer = await asyncio.wait_for(socket_.recv(), plan.get("timeout", 10))
    except (OSError, TimeoutError, websockets.WebSocketException) as trouble:
        return {"error": f"{type(trouble).__name__}: {trouble}", "ms": elapsed(began)}
    return {"status": 101, "ms": elapsed(began), "body": str(answer)}


def reachable(url: str) -> str:
    """The URL with an address that this place can dial.

    Where no resolver knows the service, the runner names its address as Kubernetes does.
    """
    host = urlsplit(url).hostname or ""
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        service = host.partition(".")[0].upper().replace("-", "_")
        address = os.environ.get(f"{service}_SERVICE_HOST")
        return url.replace(host, address, 1) if address else url
    return url


def elapsed(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 2)


def is_over(plan: dict[str, Any], index: int) -> bool:
    """Whether whoever asked has seen enough; tells them when it begins."""
    signals = plan.get("signals")
    if signals and index == 0:
        Path(signals, "begun").touch()
    return bool(signals) and index >= plan.get("least", 0) and Path(signals, "done").exists()


async def run(plan: dict[str, Any]) -> None:
    gate = asyncio.Semaphore(plan.get("concurrency", 8))
    rate, count = plan.get("rate", 0), plan.get("count", 1)
    if rate and plan.get("seconds"):
        count = int(rate * plan["seconds"])
    async with httpx.AsyncClient(
        http1=not plan.get("http2"),
        http2=bool(plan.get("http2")),
        timeout=plan.get("timeout", 10),
        verify=plan.get("verify", True),
    ) as client:

        async def bounded() -> None:
            async with gate:
                print(json.dumps(await one(client, plan)), flush=True)

        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for index in range(count):
                if is_over(plan, index):
                    break
                if rate:
                    await asyncio.sleep(max(0.0, began + index / rate - time.monotonic()))
                group.create_task(bounded())


asyncio.run(run(json.load(sys.stdin)))
