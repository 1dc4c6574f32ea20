"""What validation finds in one Gateway API object, for tests."""

import yaml

from lateen.api import kinds
from lateen.config.documents import documents
from lateen.config.examine import examine


def found(kind: str, spec: str, version: str = "") -> list[str]:
    """Severity and path of each finding. `spec` is YAML."""
    of_kind = next(one for one in kinds.GATEWAY if one.kind == kind)
    resource = {
        "apiVersion": f"{of_kind.group}/{version or of_kind.versions[0]}",
        "kind": kind,
        "metadata": {"name": "a", "namespace": "shop"},
        "spec": yaml.safe_load(spec),
    }
    (document,) = examine(documents(yaml.safe_dump(resource), strict=True))
    return [f"{problem.severity} {problem.path}" for problem in document.problems]
