"""The key server of the corpus: every path answers with a file of keys.

python key_server.py KEYS.json PORT
"""

import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Keys(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if delay := re.search(r"delay=(\d+)ms", self.path):
            time.sleep(int(delay[1]) / 1000)
        body = Path(sys.argv[1]).read_bytes()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", int(sys.argv[2])), Keys).serve_forever()
