"""The workload's certificate as files, for applications that speak TLS themselves (OUTPUT_CERTS).

    key.pem   cert-chain.pem   root-cert.pem       each 0600, each replaced whole

The key is written before the chain that belongs to it; a reader that finds them not to fit reads
again. Both are new at every renewal, the roots also when the mesh's roots change.
"""

import logging
from pathlib import Path

from lateen.agent.workload_certificate import WorkloadCertificate
from lateen.base.private_files import write_private

log = logging.getLogger(__name__)

KEY, CHAIN, ROOTS = "key.pem", "cert-chain.pem", "root-cert.pem"


class CertificateFiles:
    """Owns the files of one folder, which is made if it is missing. Trouble is logged: the proxy
    goes on without them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[str, bytes] = {}

    def put_certificate(self, certificate: WorkloadCertificate) -> None:
        self._put(KEY, certificate.key)
        self._put(CHAIN, certificate.chain)

    def put_roots(self, roots: bytes) -> None:
        self._put(ROOTS, roots)

    def _put(self, name: str, content: bytes) -> None:
        if self._written.get(name) == content:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_private(self._folder / name, content)
            self._written[name] = content
        except OSError as trouble:
            log.error(
                "certificate file not written",
                extra={"file": str(self._folder / name), "reason": str(trouble)},
            )
