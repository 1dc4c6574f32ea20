"""Every acceptable document of the conformance corpus, by the file or case that it stands in."""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st
from msgspec.structs import replace

from lateen.api.resource import Resource
from lateen.config import documents
from lateen.config.examine import examine
from tests import proxies
from tests.corpus import passing
from tests.corpus.traffic import workloads
from tests.proxies import Described

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Documents = tuple[Resource[Any], ...]
TEXTS = ("config", "kube_config", "baseline_config", "resource", "config_objects")


@cache
def groups() -> tuple[Documents, ...]:
    """The documents of each case and each file, without those that are not acceptable."""
    folder = passing.corpus_folder()
    assert folder is not None
    found = (acceptable(text) for text in _texts(folder))
    return tuple(dict.fromkeys(group for group in found if group))


def acceptable(text: str) -> Documents:
    """Those that a running mesh would take up."""
    examined = examine(documents.documents(text, "corpus.yaml"))
    return tuple(each.resource for each in examined if each.resource and each.is_valid)


def _texts(folder: Path) -> Iterator[str]:
    for suite in ("simulation", "traffic", "validation"):
        for file in sorted(Path(folder, suite, "cases").glob("*.yaml")):
            for case in yaml.load(file.read_text(), Loader=Loader):
                yield _of_case(case)
    for files in ("extra/smoke-inputs", "extra/ingress", "authz/inputs", "analyze/inputs"):
        for file in sorted(Path(folder, files).rglob("*.yaml")):
            if ".golden" not in file.name:
                yield _strings_kept(file.read_text())
    for file in sorted(Path(folder, "gateway-api", "convert").rglob("*.yaml")):
        if "golden" not in file.name:
            yield _strings_kept(file.read_text())
    yield Path(passing.HERE, "smoke_world.yaml").read_text()
    environment = workloads.read_environment(folder / "traffic" / "environment.yaml")
    yield f"{workloads.manifests(environment)}\n---\n{workloads.baseline(environment, 'echo')}"


def _of_case(case: dict[str, Any]) -> str:
    """Cases hold text, objects, or one object."""
    parts: list[str] = []
    for name in TEXTS:
        written = case.get(name)
        if isinstance(written, str):
            parts.append(_strings_kept(written))
        elif isinstance(written, dict):
            parts.append(json.dumps(written, default=str))
        elif isinstance(written, list):
            parts += [json.dumps(each, default=str) for each in written]
    return "\n---\n".join(parts)


def _strings_kept(text: str) -> str:
    """The text, or nothing where it is a template."""
    return "" if "{{" in text else text


def together(chosen: Iterable[Iterable[Resource[Any]]]) -> Documents:
    """One object of each name: the last."""
    return tuple({each.key: each for group in chosen for each in group}.values())


# -- drawn by hypothesis -----------------------------------------------------------------------

NAMESPACES = ("default", "istio-system", "echo")
MOST_GROUPS, MOST_SINGLE = 6, 40


@st.composite
def subsets(draw: st.DrawFn) -> Documents:
    """Some cases and files as they are, and some documents on their own, wherever they are put."""
    whole = draw(_some_of(groups(), MOST_GROUPS))
    single = draw(_some_of(singles(), MOST_SINGLE))
    moved = st.sampled_from((None, None, *NAMESPACES))
    return together((*whole, [_moved(each, draw(moved)) for each in single]))


@st.composite
def _some_of(draw: st.DrawFn, items: tuple[Any, ...], most: int) -> list[Any]:
    """Any number is as likely as another: lists without a lower bound stay short."""
    least = draw(st.integers(0, most))
    return draw(st.lists(st.sampled_from(items), min_size=least, max_size=most))


@cache
def singles() -> Documents:
    return tuple(each for group in groups() for each in group)


def _moved(resource: Resource[Any], namespace: str | None) -> Resource[Any]:
    if namespace is None or not resource.namespace:
        return resource
    return replace(resource, meta=replace(resource.meta, namespace=namespace))


SETTINGS: tuple[tuple[tuple[str, str], ...], ...] = (
    (),
    (("INTERCEPTION_MODE", "NONE"),),
    (("INTERCEPTION_MODE", "TPROXY"),),
    (("DNS_CAPTURE", "true"), ("DNS_AUTO_ALLOCATE", "true")),
    (("HTTP_PROXY_PORT", "15080"),),
)
ADDRESSES = ("127.0.0.1", "10.0.0.1,fd00::1", "fd00::1")


@st.composite
def proxies_of(draw: st.DrawFn, documents: Documents, most: int = 6) -> tuple[Described, ...]:
    """Some of the proxies that the documents concern, in several modes and address families."""
    named = proxies.of_resources(documents)
    chosen = draw(st.lists(st.sampled_from(named), min_size=1, max_size=most, unique=True))
    variants = (
        each._replace(
            address=draw(st.sampled_from((each.address, *ADDRESSES))),
            settings=draw(st.sampled_from(SETTINGS)) if each.kind == "sidecar" else (),
        )
        for each in chosen
    )
    return tuple(dict.fromkeys(variants))
