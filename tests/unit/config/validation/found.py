"""What validation finds in one resource, for tests: `error spec.host` and the like."""

import json
from typing import Any

import yaml

from lateen.api import kinds
from lateen.config.documents import documents
from lateen.config.examine import examine


def found(kind: str, spec: str | dict[str, Any], **metadata: Any) -> list[str]:
    """Severity and path of each finding. `spec` is YAML, or data."""
    of_kind = next(one for one in kinds.ALL if one.kind == kind)
    resource = {
        "apiVersion": f"{of_kind.group}/{of_kind.versions[0]}",
        "kind": kind,
        "metadata": {"name": "a", "namespace": "shop", **metadata},
        "spec": yaml.safe_load(spec) if isinstance(spec, str) else spec,
    }
    (document,) = examine(documents(json.dumps(resource), strict=True))
    return [f"{problem.severity} {problem.path}" for problem in document.problems]
