"""What proxies are sent depends on the documents that are there, not on how they came: in bytes."""

import os
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lateen.api.resource import Change, Resource
from lateen.view.mesh import Mesh
from tests.corpus.passing import HERE, corpus_folder
from tests.properties import corpus_documents
from tests.proxies import Described, cells

Sent = dict[tuple[Described, str, str], bytes | None]
quick = settings(
    max_examples=25, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
)


def sent(mesh: Mesh, proxies: Iterable[Described]) -> Sent:
    return {
        (described, *name): serialized
        for described in proxies
        for name, serialized in cells(mesh, described.proxy_class(mesh)).items()
    }


def fresh(documents: Iterable[Resource[Any]]) -> Mesh:
    mesh = Mesh()
    mesh.apply(Change(each.key, each) for each in documents)
    return mesh


@quick
@given(st.data())
def test_order_of_the_documents_leaves_no_trace(data: st.DataObject) -> None:
    documents = data.draw(corpus_documents.subsets())
    proxies = data.draw(corpus_documents.proxies_of(documents, most=4))

    shuffled = data.draw(st.permutations(documents))

    assert list(sent(fresh(shuffled), proxies).items()) == list(
        sent(fresh(documents), proxies).items()
    )


@quick
@given(st.data())
def test_a_mesh_that_changed_sends_what_one_that_starts_sends(data: st.DataObject) -> None:
    """One change at a time, proxies served in between, some objects gone again at the end."""
    documents = data.draw(corpus_documents.subsets())
    before = data.draw(corpus_documents.subsets())
    proxies = data.draw(corpus_documents.proxies_of(documents, most=2))
    steps = data.draw(st.permutations(documents))
    served = data.draw(st.sets(st.integers(0, len(documents)), max_size=6))

    mesh = fresh(before)
    sent(mesh, proxies)
    for at, document in enumerate(steps):
        mesh.apply([Change(document.key, document)])
        if at in served:
            sent(mesh, proxies)
    kept = {each.key for each in documents}
    for each in before:
        if each.key not in kept:
            mesh.apply([Change(each.key, None)])

    assert list(sent(mesh, proxies).items()) == list(sent(fresh(documents), proxies).items())


def test_rendering_twice_gives_the_same_bytes() -> None:
    """In two processes whose sets are in different orders."""
    folder = corpus_folder()
    assert folder is not None
    command = [
        sys.executable, "-m", "lateen", "render", "-o", "json",
        "-f", str(HERE / "smoke_world.yaml"), "-f", str(folder / "extra" / "smoke-inputs"),
    ]  # fmt: skip
    outputs = {
        subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(outputs) == 1
    assert len(outputs.pop()) > 100_000
