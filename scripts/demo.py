"""`make demo`: starts the example mesh, shows it answer, and says what to try next.

The mesh keeps running; the exit code is 0 only when every request came out as expected.
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
EXAMPLE = "examples/threat-modeling"
NAME = "threat-modeling"
HOST = "api.threatmodel.io"
LATEEN = [sys.executable, "-m", "lateen"]
COMMAND = ".venv/bin/lateen"


@dataclass(frozen=True)
class Request:
    what: str
    path: str
    workload: str  # that has to answer in the end; several: any of them
    headers: tuple[tuple[str, str], ...] = ()
    status: int = 200

    def curl(self, gateway: str) -> str:
        headers = "".join(f" -H '{name}: {value}'" for name, value in self.headers)
        return f"curl -s -H 'Host: {HOST}'{headers} http://{gateway}{self.path}"


REQUESTS = (
    Request("Through the gateway to threat-engine: 9 of 10 go to v1", "/threats/42",
            "threat-engine-v1 threat-engine-v2"),
    Request("The same with the header that the VirtualService matches: always v2", "/threats/42",
            "threat-engine-v2", (("version", "v2"),)),
    Request("Another service, with a retry policy", "/projects/7", "project-service-v1"),
)  # fmt: skip


def main() -> int:
    started = subprocess.run([*LATEEN, "up", EXAMPLE, "--detach", "--name", NAME], cwd=ROOT)
    gateway = running_gateway()
    if gateway is None:
        return started.returncode or 1
    outcomes = [show(request, gateway) for request in REQUESTS]
    print(next_steps(gateway))
    return 0 if all(outcomes) else 1


def running_gateway() -> str | None:
    shown = subprocess.run(
        [*LATEEN, "status", "--name", NAME, "-o", "json"], capture_output=True, text=True, cwd=ROOT
    )
    if shown.returncode:
        return None
    gateways = json.loads(shown.stdout)[0]["status"]["gateways"]
    return next((str(found["address"]) for found in gateways if found["port"] == 80), None)


def show(request: Request, gateway: str) -> bool:
    """Sends the request and prints the way that it took; says whether that was right."""
    print(f"\n{request.what}\n  $ {request.curl(gateway)}")
    asked = urllib.request.Request(
        f"http://{gateway}{request.path}", headers={"Host": HOST, **dict(request.headers)}
    )
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            status, seen = answer.status, json.load(answer)
    except (OSError, ValueError) as trouble:
        print(f"  failed: {trouble}")
        return False
    hops = list(way(seen))
    print(f"  {status}  " + "\n       ".join(hop.text for hop in hops))
    right = (
        status == request.status
        and hops[-1].workload in request.workload.split()
        and all(hop.caller for hop in hops)
    )
    if not right:
        print(f"  wrong: expected {request.status} from {request.workload} over mutual TLS")
    return right


@dataclass(frozen=True)
class Hop:
    workload: str
    version: str
    caller: str

    @property
    def text(self) -> str:
        how = f"mutual TLS, as {self.caller}" if self.caller else "plain text"
        return f"-> proxy ={how}=> proxy -> {self.workload} ({self.version})"


def way(seen: Any) -> Iterator[Hop]:
    """The hops that an answer of `lateen echo` tells of, outermost first."""
    while isinstance(seen, dict) and "workload" in seen:
        yield Hop(seen["workload"], seen["version"], seen["caller"])
        seen = (seen.get("upstream") or {}).get("answer")


def next_steps(gateway: str) -> str:
    fault = Request("", "/threats/42", "", (("x-inject-fault", "true"),)).curl(gateway)
    routes = f"{EXAMPLE}/istio/virtual-services.yaml"
    return f"""
Try next:

  {fault}
      503 without reaching threat-engine: the caller's proxy injects the fault of
      {routes}

  sed -i 's/weight: 90/weight: 50/; s/weight: 10$/weight: 50/' {routes}
      the running mesh changes at once: half of the requests to threat-engine go to v2

  {COMMAND} exec user-service-v1 -- curl -s http://threat-engine/api/v1/analysis/42
      RBAC: access denied. Only api-gateway and project-service may call threat-engine
      ({EXAMPLE}/istio/authorization-policies.yaml)

  {COMMAND} status          the workloads, and where the gateway is
  {COMMAND} proxy-status    what each proxy has acknowledged

Stop:  {COMMAND} down --name {NAME}"""


if __name__ == "__main__":
    sys.exit(main())
