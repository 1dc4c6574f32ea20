"""As much of a Kubernetes API server as signing needs: CertificateSigningRequests and TokenReviews.

Written after the API's documentation, for want of a real one: it checks what a real one would
refuse (authentication, names, usages, encodings, order), and its signer signs what is approved.
"""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509

from lateen.base.clock import system_clock
from lateen.ca.authority import Authority
from tests.mesh.certificates import self_signed

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
TOKEN = "token-of-the-control-plane"


@dataclass
class KubernetesApi:
    """`authority` signs for the signer `signer_name`; `denies` says no to everything."""

    authority: Authority
    signer_name: str
    approves: bool = False
    denies: bool = False
    signs_with: Authority | None = None
    accounts: dict[str, str] = field(default_factory=dict)  # token: system:serviceaccount:...
    audiences: dict[str, list[str]] = field(default_factory=dict)  # of tokens; none: any
    objects: dict[str, Any] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    address: str = ""
    ca_file: str = ""

    def create(self, document: Any) -> tuple[int, Any]:
        spec = document["spec"]
        name = document["metadata"]["name"]
        csr = x509.load_pem_x509_csr(base64.b64decode(spec["request"], validate=True))
        if not csr.is_signature_valid or int(spec["expirationSeconds"]) < 600:
            return 422, {"message": "invalid"}
        if name in self.objects:
            return 409, {"message": "already exists"}
        document["status"] = {}
        self.objects[name] = document
        if self.denies:
            document["status"]["conditions"] = [
                {"type": "Denied", "status": "True", "message": "not in this cluster"}
            ]
        elif self.approves:
            self._sign(document)
        return 201, document

    def approve(self, name: str, document: Any) -> tuple[int, Any]:
        held = self.objects.get(name)
        if held is None:
            return 404, {"message": "not found"}
        condition = document["status"]["conditions"][0]
        if condition["type"] != "Approved" or condition["status"] != "True":
            return 422, {"message": "invalid condition"}
        held["status"]["conditions"] = [condition]
        self._sign(held)
        return 200, held

    def _sign(self, document: Any) -> None:
        """As the signer of the name does, from what the request says."""
        if document["spec"]["signerName"] != self.signer_name:
            return
        csr = x509.load_pem_x509_csr(base64.b64decode(document["spec"]["request"]))
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        signer = self.signs_with or self.authority
        leaf = signer.issue(
            csr.public_key(),  # type: ignore[arg-type]
            list(names),
            now=system_clock(),
            ttl_seconds=document["spec"]["expirationSeconds"],
        )
        chain = "".join(signer.chain(leaf))
        document["status"]["certificate"] = base64.b64encode(chain.encode()).decode()

    def review(self, document: Any) -> tuple[int, Any]:
        token, wanted = document["spec"]["token"], document["spec"].get("audiences", [])
        name = self.accounts.get(token)
        for_others = [one for one in self.audiences.get(token, wanted) if one not in wanted]
        if for_others:
            name = None
        self.seen.append("review")
        status: dict[str, Any] = {"authenticated": name is not None}
        if name is not None:
            status["audiences"] = wanted
            status["user"] = {"username": name, "uid": "1", "groups": ["system:serviceaccounts"]}
        return 201, {**document, "status": status}


@contextmanager
def kubernetes_api(api: KubernetesApi, folder: Path) -> Iterator[KubernetesApi]:
    certificate, key = self_signed("localhost")
    (folder / "api.pem").write_bytes(certificate + key)
    (folder / "api-ca.crt").write_bytes(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "api.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    api.address = f"https://localhost:{server.server_address[1]}"
    api.ca_file = str(folder / "api-ca.crt")
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()


def _handler(api: KubernetesApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if self.path == REVIEWS:
                self._answer(*api.review(self._body()))
            elif self.path == REQUESTS:
                self._checked(lambda: api.create(self._body()))

        def do_PUT(self) -> None:
            name = self.path.removeprefix(REQUESTS + "/").removesuffix("/approval")
            self._checked(lambda: api.approve(name, self._body()))

        def do_GET(self) -> None:
            found = api.objects.get(self.path.removeprefix(REQUESTS + "/"))
            self._checked(lambda: (200, found) if found else (404, {"message": "not found"}))

        def do_DELETE(self) -> None:
            found = api.objects.pop(self.path.removeprefix(REQUESTS + "/"), None)
            self._checked(lambda: (200, {}) if found else (404, {"message": "not found"}))

        def log_message(self, format: str, *words: Any) -> None:
            return

        def _checked(self, answer: Any) -> None:
            api.seen.append(self.command)
            if self.headers.get("authorization") != f"Bearer {TOKEN}":
                self._answer(401, {"message": "Unauthorized"})
                return
            self._answer(*answer())

        def _body(self) -> Any:
            return json.loads(self.rfile.read(int(self.headers["content-length"])))

        def _answer(self, status: int, document: Any) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler
