"""`lateen render --status` and `--generated`: documents about the input's own objects."""

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lateen.view.mesh import Mesh


def with_status(mesh: "Mesh") -> Iterator[dict[str, Any]]:
    """Each object that carries a status, with the one that the control plane would write."""
    from lateen.api.kinds import BY_GROUP_KIND
    from lateen.config.structure import plain
    from lateen.gateway_api import status

    kinds = {kind.in_key: kind.kind for kind in BY_GROUP_KIND.values()}
    for found in status.statuses(mesh):
        resource = mesh.resource(found.key)
        if resource is None:
            continue
        metadata = {"name": resource.name, "namespace": resource.namespace}
        yield {
            "apiVersion": resource.api_version,
            "kind": kinds[found.key.kind],
            "metadata": {name: value for name, value in metadata.items() if value},
            "spec": _written(plain(resource.spec)),
            "status": found.status,
        }


def generated(mesh: "Mesh") -> Iterator[dict[str, Any]]:
    """What the control plane would create for Gateways that are deployed by it."""
    from lateen.gateway_api import deployment

    yield from deployment.generated(mesh)


def print_documents(documents: Iterable[dict[str, Any]], form: str) -> None:
    """One document each; JSON as one a line."""
    if form == "json":
        for document in documents:
            print(json.dumps(document))
        return
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    texts = [yaml.dump(each, Dumper=dumper, sort_keys=False) for each in documents]
    print("---\n".join(texts), end="")


def _written(tree: Any) -> Any:
    """Without fields that hold nothing."""
    if isinstance(tree, dict):
        kept = {name: _written(value) for name, value in tree.items()}
        return {name: value for name, value in kept.items() if value not in (None, "", [], {})}
    return [_written(each) for each in tree] if isinstance(tree, list) else tree
