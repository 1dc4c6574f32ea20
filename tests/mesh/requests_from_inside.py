"""A client that runs in a workload's place and reports every request as a line of JSON.

    lateen exec client -- python requests_from_inside.py < plan.json

The plan: {"url": ..., "count": 1, "rate": 0, "headers": {}, "method": "GET", "http2": false,
"timeout": 10, "concurrency": 8, "seconds": 0}. With a rate, requests start evenly spaced, whatever
the answers take, for `count` requests or `seconds`. Proxy variables of the environment are
honoured, so the same plan works where traffic is captured and where it is not.
"""

import asyncio
import json
import sys
import time
from typing import Any

import httpx


async def one(client: httpx.AsyncClient, plan: dict[str, Any]) -> dict[str, Any]:
    began = time.monotonic()
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


def elapsed(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 2)


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
                if rate:
                    await asyncio.sleep(max(0.0, began + index / rate - time.monotonic()))
                group.create_task(bounded())


asyncio.run(run(json.load(sys.stdin)))
