"""Load shapes: YAML with the few words of Go's templates that Istio's own benchmark uses.

    {{- range $i := until .Services }} ... {{- end }}
    {{$i}}   {{div $i 255}}   {{mod $i 255}}

A shape is one of the conformance corpus (`extra/benchmarks`), where that has it, else the file of
its name in `shapes/`, which is written here after the name and size that the benchmark lists.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.corpus.passing import corpus_folder

SHAPES = Path(__file__).with_name("shapes")
ACTION = re.compile(r"(\s*)\{\{(-?)\s*(.*?)\s*(-?)\}\}(\s*)", re.DOTALL)
RANGE = re.compile(r"range\s+(\$\w+)\s*:=\s*until\s+(\S+)")
WORD = re.compile(r"\(|\)|[^\s()]+")
FUNCTIONS: dict[str, Callable[[int, int], int]] = {
    "add": lambda one, other: one + other,
    "div": lambda one, other: one // other,
    "mod": lambda one, other: one % other,
    "mul": lambda one, other: one * other,
    "sub": lambda one, other: one - other,
}
Values = dict[str, int]


class TemplateError(Exception):
    """A word that is not understood."""


def shape(name: str) -> tuple[str, str]:
    """The template, and where it is from: `corpus` or `own`."""
    corpus = corpus_folder()
    theirs = corpus / "extra" / "benchmarks" / f"{name}.yaml" if corpus else None
    if theirs is not None and theirs.exists():
        return theirs.read_text(), "corpus"
    return (SHAPES / f"{name}.yaml").read_text(), "own"


def rendered(template: str, **values: int) -> str:
    """`Services=10` is what the template calls `.Services`."""
    known = {f".{name}": value for name, value in values.items()}
    known |= {f"$.{name}": value for name, value in values.items()}
    return "".join(_block(list(_parts(template)), known))


def _parts(template: str) -> Iterator[tuple[str, str]]:
    """(`text`, ...) and (`action`, ...), white space trimmed where a dash says so."""
    at = 0
    for found in ACTION.finditer(template):
        before, trims_before, action, trims_after, after = found.groups()
        yield "text", template[at : found.start()] + ("" if trims_before else before)
        yield "action", action
        at = found.end() if trims_after else found.end() - len(after)
    yield "text", template[at:]


def _block(parts: list[tuple[str, str]], values: Values) -> Iterator[str]:
    at = 0
    while at < len(parts):
        kind, content = parts[at]
        at += 1
        if kind == "text":
            yield content
            continue
        loop = RANGE.fullmatch(content)
        if loop is None:
            if content and not content.startswith("/*"):
                yield str(_value(WORD.findall(content), values))
            continue
        end = _end(parts, at)
        for number in range(_value([loop[2]], values)):
            yield from _block(parts[at:end], {**values, loop[1]: number})
        at = end + 1


def _end(parts: list[tuple[str, str]], at: int) -> int:
    depth = 1
    for place in range(at, len(parts)):
        if parts[place][0] == "action":
            depth += parts[place][1].startswith("range")
            depth -= parts[place][1] == "end"
        if not depth:
            return place
    raise TemplateError("a range without end")


def _value(words: list[str], values: Values) -> int:
    """Of a prefix expression; consumes its words."""
    word = words.pop(0)
    if word == "(":
        found = _value(words, values)
        words.pop(0)
        return found
    if word in FUNCTIONS:
        return FUNCTIONS[word](_value(words, values), _value(words, values))
    if word in values:
        return values[word]
    if word.isdecimal():
        return int(word)
    raise TemplateError(f"unknown word {word}")
