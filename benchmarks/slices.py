"""Runs inside the client's pod: one second of load after another, each on another path.

Reads its plan (JSON) from standard input, writes one JSON line a slice. The paths take turns, and
every second round goes backwards, so that what happens on the machine meanwhile meets all of them.
Needs `wrk`. Processor time of the path's proxies is read around each slice.
"""

import json
import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmarks.processes import cpu_seconds

REPORT = """
done = function(summary, latency, requests)
  local wrong = summary.errors.status + summary.errors.connect + summary.errors.read
    + summary.errors.timeout
  io.write(string.format('RESULT {"requests": %d, "microseconds": %d, "wrong": %d, '
    .. '"p50_us": %d, "p99_us": %d}\\n', summary.requests, summary.duration, wrong,
    latency:percentile(50), latency:percentile(99)))
end
"""


def main() -> int:
    plan = json.loads(sys.stdin.read())
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(REPORT)
        script.flush()
        paths = plan["paths"]
        for path in paths:
            _slice(plan, path, script.name)  # connections, name lookups, caches
        for number in range(plan["rounds"]):
            for path in paths if number % 2 == 0 else reversed(paths):
                print(json.dumps(_slice(plan, path, script.name)), flush=True)
    return 0


def _slice(plan: dict[str, Any], path: dict[str, Any], script: str) -> dict[str, Any]:
    watched = plan["watched"]
    before = {name: sum(map(cpu_seconds, pids)) for name, pids in watched.items()}
    done = subprocess.run(
        [
            "wrk", "-t1", f"-c{plan['connections']}", f"-d{plan['seconds']}s", "-s", script,
            path["url"],
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )  # fmt: skip
    time.sleep(plan["settle_seconds"])  # what was in flight as the load stopped
    after = {name: sum(map(cpu_seconds, pids)) for name, pids in watched.items()}
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    found = json.loads(line.removeprefix("RESULT "))
    cpu = {name: after[name] - before[name] for name in watched}
    return {"path": path["name"], "cpu_seconds": cpu, **found}


if __name__ == "__main__":
    sys.exit(main())
