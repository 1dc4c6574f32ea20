"""YAML as Kubernetes tools understand it: documents of a text, their values, and where those stand.

Two parsers answer the same question. `fast` is quick and knows no positions; it declines texts
whose meaning differs between YAML 1.1 and 1.2 (`yes`, `on`, `0777`, `<<`). `load` reads those as
Go's parser does: booleans and octal numbers of YAML 1.1, but no dates and no base-60 numbers.
`Positions` finds the line and column of a field in the text, for messages only.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml
from ryaml import loads  # type: ignore[attr-defined]

SEPARATOR = re.compile(r"^(?:---(?=\s|$)|\.\.\.\s*$)", re.MULTILINE)
AMBIGUOUS = re.compile(
    r"[:\-\[,{]\s+(?:yes|no|on|off|y|n)\s*(?:[,\]}#\n]|$)"
    r"|<<\s*:"
    r"|[:\-\[,]\s+[-+]?0[0-9_]"
    r"|!!",
    re.IGNORECASE,
)
ALIAS = re.compile(r"[:\-\[,{]\s*\*[^\s,\]}]")
MOST_EXPANDED = 100_000  # values of one document that has aliases
BRACKET = re.compile(r"[\[\]{}]")
DEEPEST = 200  # configuration is not a tenth of it; the C parser refuses 1,000
STEP = re.compile(r"\.?([^.\[\]]+)|\[([^\]]*)\]")


class SyntaxProblem(ValueError):
    """The text is not YAML. `line` and `column` count from 1, within the text that was given."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class Part(NamedTuple):
    line: int  # of its first character in the whole text, from 1
    text: str


def split(text: str) -> Iterator[Part]:
    """The documents of a text, empty ones left out."""
    start, line = 0, 1
    for mark in SEPARATOR.finditer(text):
        yield from part(text[start : mark.start()], line)
        line += text.count("\n", start, mark.start())
        start = mark.end()
    yield from part(text[start:], line)


def part(text: str, line: int) -> Iterator[Part]:
    """The text from its first line with content, if it has any."""
    start = 0
    for row in text.splitlines(keepends=True):
        content = row.strip()
        if content and not content.startswith(("#", "%")):
            yield Part(line, text[start:])
            return
        start += len(row)
        line += row.count("\n")


def parse(text: str) -> Any:
    """The value of one document. Raises SyntaxProblem."""
    if AMBIGUOUS.search(text) is None and not is_deep(text):
        try:
            return loads(text)
        except ValueError:  # read it again with the parser that knows where
            pass
    return load(text)


def is_deep(text: str) -> bool:
    """Whether brackets may be nested so deeply that the fast parser's time grows with the square.

    Brackets in quoted text count too: then the other parser reads what this one could have.
    """
    depth = 0
    for bracket in BRACKET.finditer(text):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > DEEPEST:
            return True
    return False


def load(text: str) -> Any:
    """As `parse`, with Go's reading of ambiguous scalars."""
    try:
        value = yaml.load(text, Loader=GoLoader)  # a CSafeLoader underneath
    except yaml.YAMLError as error:
        raise syntax_problem(error) from error
    except (ValueError, KeyError, RecursionError) as error:  # a tag that its value does not suit
        raise SyntaxProblem(f"a value cannot be read: {error}", 1, 1) from error
    if ALIAS.search(text) and expanded_size(value) > MOST_EXPANDED:
        raise SyntaxProblem(f"aliases make more than {MOST_EXPANDED} values of it", 1, 1)
    return value


def expanded_size(value: Any) -> int:
    """How many values it is with every alias written out; it must have no cycles."""
    sizes: dict[int, int] = {}

    def size(item: Any) -> int:
        if not isinstance(item, dict | list):
            return 1
        if id(item) not in sizes:
            parts = item.values() if isinstance(item, dict) else item
            sizes[id(item)] = 1 + sum(size(part) for part in parts)
        return sizes[id(item)]

    return size(value)


def syntax_problem(error: yaml.YAMLError) -> SyntaxProblem:
    if not isinstance(error, yaml.MarkedYAMLError):
        return SyntaxProblem(str(error).splitlines()[0], 1, 1)
    mark = error.problem_mark or error.context_mark
    text = " ".join(word for word in (error.problem, error.context) if word)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return SyntaxProblem(text, line, column)


class GoLoader(yaml.CSafeLoader):
    """PyYAML with the scalars of Go's yaml.v2."""


BOOLEANS = {
    "y": True,
    "yes": True,
    "true": True,
    "on": True,
    "n": False,
    "no": False,
    "false": False,
    "off": False,
}
GoLoader.yaml_implicit_resolvers = {}
GoLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool",
    re.compile(
        r"^(?:y|Y|n|N|(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF))$"
    ),
    list("yYnNtTfFoO"),
)
GoLoader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"^[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|[0-9][0-9_]*)$"),
    list("-+0123456789"),
)
GoLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^(?:[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
    ),
    list("-+0123456789."),
)
GoLoader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
GoLoader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


def construct_int(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> int | float:
    text = loader.construct_scalar(node).replace("_", "")
    digits = text.lstrip("+-")
    sign = -1 if text.startswith("-") else 1
    if digits[:2] in ("0x", "0b", "0o"):
        return sign * int(digits, 0)
    if len(digits) > 1 and digits.startswith("0") and digits.isdigit():
        return sign * int(digits, 8) if set(digits) <= set("01234567") else sign * float(digits)
    return sign * int(digits)


def construct_bool(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> bool:
    return BOOLEANS[loader.construct_scalar(node).lower()]


def construct_mapping(loader: yaml.CSafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    """Refuses a key that occurs twice, which would silently hide one of its values."""
    seen: set[str] = set()
    for key, _ in node.value:
        if key.tag.endswith(":merge"):
            continue
        name = str(key.value)
        if name in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f'key "{name}" occurs twice', key.start_mark
            )
        seen.add(name)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


GoLoader.add_constructor("tag:yaml.org,2002:int", construct_int)
GoLoader.add_constructor("tag:yaml.org,2002:bool", construct_bool)
GoLoader.add_constructor("tag:yaml.org,2002:map", construct_mapping)


class Positions:
    """Lines and columns within one document, composed when first asked."""

    def __init__(self, text: str, line: int) -> None:
        self._text = text
        self._line = line
        self._root: yaml.Node | None = None
        self._composed = False

    def find(self, path: str) -> tuple[int, int]:
        """Where the field `path` stands, or the deepest part of it that is there."""
        node = self._compose()
        if node is None:
            return self._line, 1
        mark = node.start_mark
        for name, index in STEP.findall(path):
            found = step(node, name or index)
            if found is None:
                break
            mark, node = found
        return self._line + mark.line, mark.column + 1

    def _compose(self) -> yaml.Node | None:
        if not self._composed:
            self._composed = True
            try:
                self._root = yaml.compose(self._text, Loader=GoLoader)
            except yaml.YAMLError:
                self._root = None
        return self._root


def step(node: yaml.Node, name: str) -> tuple[yaml.Mark, yaml.Node] | None:
    """One step down: where the entry begins, and its node."""
    if isinstance(node, yaml.SequenceNode):
        if not name.isdigit() or int(name) >= len(node.value):
            return None
        item = node.value[int(name)]
        return item.start_mark, item
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if str(key.value) == name or plain(str(key.value)) == plain(name):
                return key.start_mark, value
    return None


def plain(name: str) -> str:
    """`retry_on` and `retryOn` alike."""
    return name.replace("_", "").lower()
