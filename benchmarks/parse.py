"""How fast documents become resources: 10,000 VirtualServices of ordinary size.

    python benchmarks/parse.py [COUNT]

Prints seconds and documents per second for reading, for reading with full validation as a running
mesh does it, and for strict reading with positions as `lateen validate` does it.
"""

import sys
import time
from collections.abc import Callable

from lateen.config.documents import documents, read
from lateen.config.examine import examine

DOCUMENT = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews-{number}
  namespace: shop
  labels:
    app: reviews
spec:
  hosts:
  - reviews-{number}.shop.svc.cluster.local
  http:
  - name: canary
    match:
    - headers:
        end-user:
          exact: jason
      uri:
        prefix: /api/v1
    route:
    - destination:
        host: reviews-{number}
        subset: v2
      weight: 90
    - destination:
        host: reviews-{number}
        subset: v1
      weight: 10
    retries:
      attempts: 3
      perTryTimeout: 2s
      retryOn: gateway-error,connect-failure,refused-stream
    timeout: 10s
    fault:
      delay:
        fixedDelay: 3s
        percentage:
          value: 0.1
  - route:
    - destination:
        host: reviews-{number}
        subset: v1
"""


def timed(title: str, count: int, work: Callable[[], int]) -> None:
    began = time.perf_counter()
    found = work()
    seconds = time.perf_counter() - began
    assert found == count
    print(f"{title:32} {seconds:7.2f} s {count / seconds:10,.0f} documents/s")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    text = "---\n".join(DOCUMENT.format(number=number) for number in range(count))
    print(f"{count:,} VirtualServices, {len(text) / 1e6:.1f} MB")
    timed("read", count, lambda: len(read(text).resources))
    timed("read and validate", count, lambda: valid(examine(documents(text))))
    timed("read strictly and validate", count, lambda: valid(examine(documents(text, strict=True))))


def valid(found: object) -> int:
    return sum(document.is_valid for document in found)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
