"""Suite `extra/smoke-inputs`: configuration that is shipped with Istio, as its users have it.

Each file is acceptable by itself, and what it makes of every proxy that it concerns is accepted by
the real Envoy: alone, and among the applications that it speaks of.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lateen.api.resource import Change, Resource
from lateen.cli.validate import examined
from lateen.config.paths import read_paths
from lateen.simulate.configuration import configuration
from lateen.view.mesh import Mesh
from tests import proxies
from tests.corpus import passing
from tests.envoy_batch import Batch

SUITE = "smoke"
WORLD = Path(__file__).with_name("smoke_world.yaml")
EXCEPTIONS = ("config-rule-websocket-route",)  # writes a field that was removed


@pytest.mark.envoy
def test_every_listed_file_is_accepted(update_passing: bool) -> None:
    verdicts = {file.stem: refusal(file) for file in files()}
    batch = Batch()
    for file in files():
        add_proxies(batch, file)
    for label, complaint in batch.rejections().items():
        stem = label.partition(" ")[0]
        verdicts[stem] = "; ".join(filter(None, (verdicts[stem], f"{label}: {complaint}")))

    passing.check(SUITE, verdicts, update=update_passing)


def files() -> Iterator[Path]:
    folder = passing.corpus_folder()
    assert folder is not None
    for file in sorted(Path(folder, "extra", "smoke-inputs").glob("*.yaml")):
        if file.stem not in EXCEPTIONS:
            yield file


def refusal(file: Path) -> str:
    """What `lateen validate` says against the file; empty when it accepts it."""
    problems = [
        str(problem)
        for document in examined([str(file)])
        if not document.is_valid
        for problem in document.problems
    ]
    return "; ".join(problems)


def add_proxies(batch: Batch, file: Path) -> None:
    """Every proxy that the file concerns; its name begins with the file's."""
    own = read_paths([file]).resources
    for world in ((), (WORLD,)):
        mesh = Mesh()
        mesh.apply(Change(each.key, each) for each in read_paths([file, *world]).resources)
        for described in every_kind(own):
            held = configuration(mesh, described.proxy_class(mesh))
            batch.add(f"{file.stem} {described} {len(world)}", held)


def every_kind(resources: tuple[Resource[Any], ...]) -> Iterator[proxies.Described]:
    """Those that it names; and a workload, a gateway and a waypoint in any case."""
    named = proxies.of_resources(resources)
    more = (
        proxies.Described("sidecar", "default", (("app", "reviews"), ("version", "v1"))),
        proxies.Described("router", proxies.ROOT, (("istio", "ingressgateway"),)),
        proxies.Described("waypoint", "default"),
    )
    yield from dict.fromkeys((*named, *more))
