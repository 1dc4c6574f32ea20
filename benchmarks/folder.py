"""How long a change of a file takes to reach the mesh as a batch.

    python benchmarks/folder.py [FILES]

Prints the time of the first reading, and of a file replaced by rename until its batch is there.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from lateen.config.folder import FolderSource

ROUNDS = 100
DOCUMENT = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: reviews-{number}, namespace: shop}}
spec:
  hosts: [reviews-{number}]
  http:
  - route: [{{destination: {{host: reviews-{number}}}}}]
    timeout: {seconds}s
"""


async def measure(folder: Path, count: int) -> None:
    for number in range(count):
        (folder / f"{number}.yaml").write_text(DOCUMENT.format(number=number, seconds=1))
    batches = FolderSource([folder]).batches()
    began = time.perf_counter()
    first = await anext(batches)
    print(f"first reading of {len(first.changes):,} files: {time.perf_counter() - began:.2f} s")
    taken = []
    for round_ in range(ROUNDS):
        half = folder / ".half"
        half.write_text(DOCUMENT.format(number=0, seconds=round_ + 2))
        began = time.perf_counter()
        half.rename(folder / "0.yaml")
        batch = await anext(batches)
        taken.append((time.perf_counter() - began) * 1000)
        assert len(batch.changes) == 1
    print(f"rename to batch: median {statistics.median(taken):.2f} ms, longest {max(taken):.2f} ms")
    await batches.aclose()  # type: ignore[attr-defined]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        uvloop.run(measure(Path(folder), count))


if __name__ == "__main__":
    main()
