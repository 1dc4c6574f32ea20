"""The key of a trail's chain, which the control plane and the auditor have."""

from pathlib import Path

from lateen.audit.errors import AuditError

SMALLEST_KEY = 16  # bytes


def read_key(path: Path) -> bytes:
    """AuditError unless the file holds a key and only its owner may read it."""
    try:
        if path.stat().st_mode & 0o077:
            raise AuditError(f"{path} can be read by others; chmod 600 it")
        key = path.read_bytes().strip()
    except OSError as trouble:
        raise AuditError(f"cannot read {path}: {trouble.strerror}") from trouble
    if len(key) < SMALLEST_KEY:
        raise AuditError(f"{path} must hold {SMALLEST_KEY} bytes or more, such as 32 random ones")
    return key
