"""Writes the table of what is supported into README.md, from the tests that show it.

    python scripts/support_table.py            rewrite the table
    python scripts/support_table.py --check    exit 1 when it is not what the tests say

The conformance rows count the cases on the checked-in lists of passing ones, which can only grow;
the behaviour rows are the claims of the tests with real Envoys.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- support: begin -->", "<!-- support: end -->"
SUITES = {
    "simulation": "where a request goes, asked of the generated configuration",
    "validation": "which resources are refused or warned about",
    "authz": "authorization policies as Envoy filters",
    "bootstrap": "what Envoy starts with",
    "gateway_api": "Gateway API and Ingress: objects, statuses, deployments",
    "gateway_conformance": "Gateway API's own conformance: statuses, and where requests go",
    "traffic": "requests through real Envoys, and what came of them",
    "traffic_security": "who may talk to whom, on real Envoys",
    "smoke": "files that Istio ships: read, and everything made of them accepted by Envoy",
}
BEHAVIOUR = {
    "tests/mesh/test_routing.py": "Routing",
    "tests/mesh/test_protocols.py": "Protocols, ways in and out",
    "tests/mesh/test_entrances.py": "Entrances",
    "tests/mesh/gateway_api/test_gateway.py": "Gateway API and Ingress",
    "tests/mesh/gateway_api/test_http_routes.py": "Gateway API: HTTP routes",
    "tests/mesh/gateway_api/test_backends.py": "Gateway API: backends",
    "tests/mesh/gateway_api/test_other_routes.py": "Gateway API: other routes",
    "tests/mesh/test_identity.py": "Identity",
    "tests/mesh/test_authorization.py": "Policies and tokens",
    "tests/mesh/test_rate_limit.py": "Rate limits",
    "tests/mesh/test_rotation.py": "Certificates",
    "tests/mesh/test_under_traffic.py": "Change under traffic",
    "tests/mesh/test_tasks_traffic.py": "Istio's tasks: traffic",
    "tests/mesh/test_tasks_gateways.py": "Istio's tasks: gateways",
    "tests/mesh/test_tasks_egress.py": "Istio's tasks: egress",
    "tests/mesh/test_tasks_security.py": "Istio's tasks: security",
    "tests/mesh/test_audit.py": "Audit",
}


def table() -> str:
    lines = ["| conformance suite | cases that pass | what a case is |", "|---|---|---|"]
    lines += [f"| {name} | {passing(name)} | {what} |" for name, what in SUITES.items()]
    lines += ["", "| with real Envoys and traffic | shown by a test each |", "|---|---|"]
    for file, title in BEHAVIOUR.items():
        lines.append(f"| {title} | {'; '.join(claims(ROOT / file))} |")
    return "\n".join(lines)


def passing(suite: str) -> int:
    file = ROOT / "tests" / "corpus" / f"{suite}_passing.txt"
    counted = Counter(line for line in file.read_text().splitlines() if line.strip())
    return len(counted)


def claims(file: Path) -> Iterator[str]:
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name.removeprefix("test_").replace("_", " ")


def main() -> int:
    text = README.read_text()
    wanted = re.sub(
        f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{table()}\n{END}", text, flags=re.DOTALL
    )
    if "--check" in sys.argv:
        if text != wanted:
            print("README.md: the table is out of date; run: python scripts/support_table.py")
        return int(text != wanted)
    README.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
