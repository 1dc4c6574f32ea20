"""`lateen.yaml` beside the manifests: what running them on this machine needs and they do not say.

name: shop                          # of the mesh; default: the folder's name
namespace: shop                     # of objects that name none
images:                             # how to run containers that have no command
- image: registry.example/cart:*    # a pattern with * and ?
  command: [python, -m, cart]
  directory: ../cart                # relative to this file
  env: {LOG_LEVEL: debug}
ports: {80: 8080, 443: 8443}        # gateway port: port on this machine's loopback
authority: {folder: ../cacerts}     # who signs certificates; see `lateen.ca.options`
secrets: ../certificates            # gateways': NAMESPACE/NAME/tls.crt, tls.key, ca.crt
decisions: all                      # of policies in the audit trail; default: refused
host_ownership: strict              # no namespace speaks for another's hosts; default: istio
check:                              # what `lateen up --check` asks through the gateway
- name: the header chooses v2
  path: /threats
  host: api.example.com
  headers: {version: v2}
  expect: {status: 200, version: v2, workload: threat-engine-v2}
  repeat: 3
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from lateen.base.problem import Problem
from lateen.ca.options import AuthorityOptions

FILE = "lateen.yaml"
MESH_NAME_LENGTH = 40


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the file's parts."""


class Image(Section, frozen=True, kw_only=True):
    """How containers of matching images run. The first entry that matches counts."""

    image: str
    command: tuple[str, ...]
    directory: str = ""
    env: dict[str, str] = {}

    def matches(self, image: str) -> bool:
        return fnmatchcase(image, self.image)


class Expectation(Section, frozen=True, kw_only=True):
    """What an answer must be. Of nested answers of `lateen echo` the innermost is looked at."""

    status: int = 200
    version: str = ""
    workload: str = ""
    mutual_tls: bool = True  # each hop presented the identity of its caller
    contains: str = ""


class CheckRequest(Section, frozen=True, kw_only=True):
    name: str = ""
    method: str = "GET"
    path: str = "/"
    host: str = ""
    port: int = 80  # of the gateway, as its Service has it
    headers: dict[str, str] = {}
    body: str = ""
    repeat: int = 1
    expect: Expectation = Expectation()


class Settings(Section, frozen=True, kw_only=True):
    name: str = ""
    namespace: str = ""
    images: tuple[Image, ...] = ()
    ports: dict[int, int] = {}
    check: tuple[CheckRequest, ...] = ()
    authority: AuthorityOptions = AuthorityOptions()
    secrets: str = ""  # a folder; relative to this file
    host_ownership: Literal["istio", "strict"] = "istio"
    decisions: Literal["refused", "all"] = "refused"  # and what a dry run or AUDIT policy matched


@dataclass(frozen=True, slots=True)
class SettingsReading:
    """`settings` is the default for a file that is wrong; `problems` say how."""

    settings: Settings
    problems: tuple[Problem, ...] = ()


def read(folder: Path) -> SettingsReading:
    """The file of this folder; the defaults when there is none."""
    path = folder / FILE
    try:
        text = path.read_text()
    except FileNotFoundError:
        return SettingsReading(Settings())
    except OSError as trouble:
        message = f"cannot be read: {trouble.strerror}"
        return SettingsReading(Settings(), (Problem("unreadable", message, file=str(path)),))
    return parse(text, path)


def parse(text: str, path: Path) -> SettingsReading:
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as trouble:
        return SettingsReading(Settings(), (_syntax(trouble, path),))
    try:
        settings = msgspec.convert(content or {}, Settings, strict=False)
    except msgspec.ValidationError as trouble:
        return SettingsReading(Settings(), (_located(str(trouble), tree, path),))
    found = tuple(_semantic(settings, tree, path))
    folder = path.parent
    images = tuple(
        replace_directory(image, str((folder / image.directory).resolve()))
        for image in settings.images
    )
    authority = settings.authority.relative_to(folder.resolve())
    settings = msgspec.structs.replace(settings, images=images, authority=authority)
    return SettingsReading(settings, found)


def replace_directory(image: Image, directory: str) -> Image:
    return msgspec.structs.replace(image, directory=directory)


def _semantic(settings: Settings, tree: Any, path: Path) -> Iterator[Problem]:
    for place, image in enumerate(settings.images):
        if not image.command:
            field = f"images[{place}].command"
            yield _at(field, "is empty", tree, path, hint="name the program to run")
        if not (path.parent / image.directory).is_dir():
            field = f"images[{place}].directory"
            message = f"{image.directory!r} is not a folder"
            yield _at(field, message, tree, path, hint=f"it is looked up from {path.parent}")
    for port, host in settings.ports.items():
        if not (0 < port < 65536 and 0 <= host < 65536):
            yield _at(f"ports.{port}", "ports are 1 to 65535", tree, path)


def _syntax(trouble: yaml.YAMLError, path: Path) -> Problem:
    mark = getattr(trouble, "problem_mark", None)
    problem = Problem("syntax", getattr(trouble, "problem", None) or str(trouble), file=str(path))
    return replace(problem, line=mark.line + 1, column=mark.column + 1) if mark else problem


def _located(message: str, tree: Any, path: Path) -> Problem:
    """msgspec ends its message with the path of the value, as ``... - at `$.images[0].image` ``."""
    text, _, place = message.partition(" - at `")
    field = place.rstrip("`").removeprefix("$").removeprefix(".")
    known = ", ".join(Settings.__struct_fields__)
    hint = f"the file's fields are {known}" if "unknown field" in text and not field else ""
    problem = _at(field, text[:1].lower() + text[1:], tree, path, hint=hint)
    key = _key(_node(tree, field), text.partition("unknown field `")[2].rstrip("`"))
    if key is None:
        return problem
    return replace(problem, line=key.start_mark.line + 1, column=key.start_mark.column + 1)


def _key(node: Any, name: str) -> Any:
    """Where a mapping names this field; None when it does not."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((key for key, _ in pairs if key.value == name), None)


def _at(field: str, message: str, tree: Any, path: Path, *, hint: str = "") -> Problem:
    mark = _node(tree, field).start_mark
    return Problem(
        "settings",
        message,
        path=field,
        file=str(path),
        line=mark.line + 1,
        column=mark.column + 1,
        hint=hint,
    )


def _node(node: Any, field: str) -> Any:
    """The deepest YAML node on the way to the field."""
    for part in field.replace("[", ".").replace("]", "").split("."):
        if isinstance(node, yaml.MappingNode):
            inner = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and part.isdecimal():
            inner = node.value[int(part)] if int(part) < len(node.value) else None
        else:
            inner = None
        if inner is None:
            break
        node = inner
    return node


def mesh_name(folder: Path, settings: Settings) -> str:
    """Letters, digits and dashes, fit for a folder."""
    name = settings.name or folder.resolve().name
    kept = "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")
    return kept[:MESH_NAME_LENGTH] or "mesh"
