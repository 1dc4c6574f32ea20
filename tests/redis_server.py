"""A real Redis for tests, on a unix socket of its own."""

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SECONDS = 10


class RedisServer:
    """Owns the process and its folder. Can be killed and started again, empty."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    def start(self) -> None:
        program = shutil.which("redis-server")
        assert program, "scripts/test-dependencies.sh installs redis-server"
        self._socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [
                program, "--port", "0", "--unixsocket", str(self._socket), "--save", "",
                "--appendonly", "no", "--dir", str(self._socket.parent),
            ],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + SECONDS
        while not self._socket.exists():
            assert time.monotonic() < deadline, "Redis did not start"
            assert self._process.poll() is None, "Redis ended"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextlib.contextmanager
def redis_server() -> Iterator[RedisServer]:
    with tempfile.TemporaryDirectory(prefix="lateen-redis-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()
