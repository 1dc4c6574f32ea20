"""Documents of a file, and the resources that they hold.

    text -> parts (---) -> plain data -> objects (a List is several) -> Resource of its kind

Reading is lenient: an unknown field is a warning, and a document that makes no sense is reported
and left out while the others live. Strict reading, which `lateen validate` asks for, makes unknown
fields errors. Kinds that no mesh reads (roles, custom resource definitions, ...) are skipped.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from lateen.api import kinds
from lateen.api.kinds import Kind
from lateen.api.mesh_config import MeshConfig
from lateen.api.resource import Key, ObjectMeta, Resource, Spec
from lateen.base.problem import Origin, Problem, Severity
from lateen.config import yaml_text
from lateen.config.decode import decode
from lateen.config.mesh_config import effective
from lateen.config.structure import did_you_mean

DEFAULT_NAMESPACE = "default"
# Names get into files, logs and identities. The Kubernetes API server is stricter still: it takes
# no capitals, `~` or `*`; files that Istio's own tools read and write may have them.
OBJECT_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9](?:[-A-Za-z0-9._~*]*[A-Za-z0-9*])?")
NAMESPACE_NAME = re.compile(r"(?=.{1,63}\Z)[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?")
LONGEST_SHOWN = 100
ENVELOPE = frozenset(("apiVersion", "kind", "metadata", "status"))


@dataclass(slots=True)
class Document:
    """One object of a file, whether it could be read or not."""

    file: str
    line: int  # where the object begins in the file
    kind: str = ""
    name: str = ""
    namespace: str = ""
    resource: Resource[Any] | None = None
    problems: list[Problem] = field(default_factory=list)
    key: Key | None = None  # of kinds that a mesh reads
    base: str = ""  # path of the object within its document: `items[3]` of a List
    positions: yaml_text.Positions | None = None
    home: str = DEFAULT_NAMESPACE  # namespace of an object that names none

    @property
    def title(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {place}".strip()

    @property
    def is_valid(self) -> bool:
        return not any(problem.severity is Severity.ERROR for problem in self.problems)

    def located(self, problem: Problem) -> Problem:
        """The problem, with its resource, file, line and column filled in."""
        line, column = self.line, 1
        if self.positions is not None:
            line, column = self.positions.find(
                ".".join(part for part in (self.base, problem.path) if part)
            )
        return replace(
            problem,
            resource=problem.resource or self.title,
            file=problem.file or self.file,
            line=problem.line or line,
            column=problem.column or column,
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that one or several files hold."""

    resources: tuple[Resource[Any], ...] = ()
    problems: tuple[Problem, ...] = ()

    def __add__(self, other: "Reading") -> "Reading":
        return Reading(self.resources + other.resources, self.problems + other.problems)


def read(text: str, file: str = "", *, namespace: str = DEFAULT_NAMESPACE) -> Reading:
    """The resources of a text, with all that is wrong in it."""
    resources: list[Resource[Any]] = []
    problems: list[Problem] = []
    for document in documents(text, file, namespace=namespace):
        if document.resource is not None:
            resources.append(document.resource)
        problems += document.problems
    return Reading(tuple(resources), tuple(problems))


def documents(
    text: str, file: str = "", *, strict: bool = False, namespace: str = DEFAULT_NAMESPACE
) -> Iterator[Document]:
    """Every object of a text. Problems are located. `namespace` is for objects that name none."""
    for part in yaml_text.split(text):
        positions = yaml_text.Positions(part.text, part.line)
        try:
            value = yaml_text.load(part.text) if strict else yaml_text.parse(part.text)
        except yaml_text.SyntaxProblem as error:
            yield unreadable(error, part, file)
            continue
        for base, item in objects(value):
            line = positions.find(base)[0] if base else part.line
            document = Document(file, line, base=base, positions=positions, home=namespace)
            fill(document, item, strict=strict)
            if document.problems:
                document.problems = [document.located(problem) for problem in document.problems]
            if document.kind or document.problems:
                yield document


def unreadable(error: yaml_text.SyntaxProblem, part: yaml_text.Part, file: str) -> Document:
    problem = Problem(
        code="syntax",
        message=f"not valid YAML: {error}",
        file=file,
        line=part.line + error.line - 1,
        column=error.column,
    )
    return Document(file, part.line, problems=[problem])


def objects(value: Any, base: str = "") -> Iterator[tuple[str, Any]]:
    """A document's objects: itself, or the items of a List, each with its path."""
    if value is None:
        return
    entries: Any = None
    if isinstance(value, list):
        entries, prefix = value, base
    elif isinstance(value, dict) and str(value.get("kind", "")).endswith("List"):
        entries, prefix = value.get("items"), f"{base}.items" if base else "items"
    if not isinstance(entries, list):
        yield base, value
        return
    for index, item in enumerate(entries):
        yield from objects(item, f"{prefix}[{index}]")


def fill(document: Document, value: Any, *, strict: bool) -> None:
    """Completes a document from its plain data. Problems are not located yet."""
    if not isinstance(value, dict):
        document.problems.append(
            Problem(code="not-an-object", message="is not a Kubernetes object")
        )
        return
    identify(document, value)
    kind = known_kind(document, value, strict=strict)
    if kind is None:
        return
    meta = metadata(document, value, kind)
    body = value.get("spec") if kind.has_spec else without_envelope(value)
    if body is None:
        body = {}
        if strict and kind.spec in kinds.SPEC_REQUIRED:
            document.problems.append(
                Problem(code="required", message="spec is missing", path="spec")
            )
    spec, problems = specification(body, kind, strict=strict)
    document.problems += problems
    status = decode_status(document, value.get("status"), kind)
    if spec is None or meta is None:
        return
    document.resource = Resource(
        kind=kind.in_key,
        api_version=value.get("apiVersion", ""),
        meta=meta,
        spec=spec,
        status=status,
        origin=Origin(document.file, document.line),
    )


def specification(body: Any, kind: Kind, *, strict: bool) -> tuple[Spec | None, list[Problem]]:
    """The spec of a kind. A MeshConfig is whole: what it leaves out is the mesh's default."""
    if kind.spec is MeshConfig:
        return effective(body, strict=strict)
    return decode(body, kind.spec, path="spec" if kind.has_spec else "", strict=strict)


def identify(document: Document, value: dict[str, Any]) -> None:
    """Who the document is about, as far as that can be told."""
    document.kind = str(value.get("kind") or "")
    metadata = value.get("metadata")
    if isinstance(metadata, dict):
        document.name = str(metadata.get("name") or "")
        document.namespace = str(metadata.get("namespace") or "")


def known_kind(document: Document, value: dict[str, Any], *, strict: bool) -> Kind | None:
    version = value.get("apiVersion") or ""
    if not document.kind:
        document.problems.append(
            Problem(
                code="no-kind",
                message="is not a Kubernetes object: it has no kind",
                severity=Severity.ERROR if strict else Severity.WARNING,
            )
        )
        return None
    kind = kinds.find_kind(str(version), document.kind)
    group, _, short = str(version).rpartition("/")
    if kind is None:
        report_unknown_kind(document, group, str(version))
        return None
    if not kind.namespaced:
        document.namespace = ""
    elif not document.namespace:
        document.namespace = document.home
    document.key = Key(kind.in_key, document.namespace, document.name)
    if kind.is_checked and short not in kind.versions:
        document.problems.append(
            Problem(
                code="unknown-version",
                message=f"{kind.kind} has no version {short}",
                severity=Severity.ERROR if strict else Severity.WARNING,
                path="apiVersion",
                hint=f"write {group}/{kind.versions[0]}",
            )
        )
    return kind


def report_unknown_kind(document: Document, group: str, version: str) -> None:
    """A kind of ours that is misspelt is a mistake; anything else is somebody else's."""
    siblings = [kind.kind for kind in kinds.ALL if kind.group == group]
    if not group.endswith(kinds.CHECKED_GROUPS) or group in kinds.OTHER_ISTIO_GROUPS:
        return
    elsewhere = next((kind for kind in kinds.ISTIO if kind.kind == document.kind), None)
    hint = (
        f"{document.kind} is in {elsewhere.group}/{elsewhere.versions[0]}"
        if elsewhere
        else did_you_mean(document.kind, siblings)
    )
    document.problems.append(
        Problem(
            code="unknown-kind",
            message=f"there is no kind {document.kind} in {version}",
            path="kind",
            hint=hint,
        )
    )


def metadata(document: Document, value: dict[str, Any], kind: Kind) -> ObjectMeta | None:
    raw = value.get("metadata")
    meta, problems = decode({} if raw is None else raw, ObjectMeta, path="metadata", strict=False)
    document.problems += problems
    if meta is None:
        return None
    name = meta.name or ("default" if kind in kinds.MESH else "")
    if not name:
        document.problems.append(
            Problem(
                code="no-name", message="has no name", path="metadata", hint="set metadata.name"
            )
        )
        return None
    for path, text, pattern in (
        ("metadata.name", name, OBJECT_NAME),
        ("metadata.namespace", meta.namespace, NAMESPACE_NAME),
    ):
        if text and not pattern.fullmatch(text):
            document.problems.append(_bad_name(path, text))
            return None
    if meta.namespace == document.namespace and meta.name == name:
        return meta
    return msgspec.structs.replace(meta, namespace=document.namespace, name=name)


def _bad_name(path: str, text: str) -> Problem:
    shown = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
    return Problem(
        code="bad-name",
        message=f"{json.dumps(shown)} cannot be a name",
        path=path,
        hint="letters, digits, - and, but in a namespace, dots (RFC 1123)",
    )


def decode_status(document: Document, value: Any, kind: Kind) -> Any:
    if value is None or kind.status is None:
        return value
    status, problems = decode(value, kind.status, path="status", strict=False)
    document.problems += problems
    return status


def without_envelope(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key not in ENVELOPE}
