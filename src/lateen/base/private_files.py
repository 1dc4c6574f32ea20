"""Files that only their owner may read: keys and tokens.

A file appears whole or not at all, with mode 0600 from its first byte; folders have mode 0700.
"""

import os
import tempfile
from pathlib import Path


def private_folder(path: Path) -> Path:
    """The folder, made if it is not there; others may not look into it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def write_private(path: Path, content: bytes) -> None:
    """Puts the file in place in one step, whether or not there was one."""
    half = _written_beside(path, content)
    try:
        os.replace(half, path)
    except OSError:
        os.unlink(half)
        raise


def create_private(path: Path, content: bytes) -> bool:
    """Puts the file in place only if there is none: false when another was first."""
    half = _written_beside(path, content)
    try:
        os.link(half, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(half)
    return True


def _written_beside(path: Path, content: bytes) -> str:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        os.unlink(name)
        raise
    return name
