r"""Is a pattern a regular expression of RE2, the dialect of Envoy and Go.

RE2 knows no look-around, no back-references and no possessive repetition, and it refuses `a**`.
This reads the syntax only; it matches nothing. `fault` returns Go's words for what is wrong.
"""

import re

REPEAT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
ESCAPE = re.compile(r"\\(.|$)", re.DOTALL)
REPEAT_LIMIT = 1000  # also of repetitions within repetitions, multiplied
SIZE_LIMIT = 32768  # instructions of a compiled pattern; the bootstrap tells Envoy the same
FLAGS = re.compile(r"[imsU]*(?:-[imsU]+)?")
GROUP_NAME = re.compile(r"P?<([A-Za-z_][A-Za-z0-9_]*)>")
ESCAPES = set("aftnrvdDsSwWbBAzCQE")
CLASS_ESCAPES = set("aftnrvdDsSwW")
HEX = re.compile(r"x(?:[0-9A-Fa-f]{2}|\{[0-9A-Fa-f]{1,6}\})")
OCTAL = re.compile(r"(?:0[0-7]{0,2}|[1-7][0-7]{1,2})")
PROPERTY = re.compile(r"[pP](?:[CLMNPSZ]|\{\^?[A-Za-z_]+\})")
POSIX = re.compile(
    r"\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]"
)


class Fault(Exception):
    """Ends the reading."""


def fault(pattern: str) -> str:
    """What is wrong with the pattern, or nothing."""
    try:
        Reader(pattern).read()
    except Fault as error:
        return f"error parsing regexp: {error}"
    return ""


def rewrite_fault(rewrite: str, pattern: str) -> str:
    r"""What is wrong with a replacement in which \1 stands for the first group of the pattern."""
    reader = Reader(pattern)
    try:
        reader.read()
    except Fault:
        return ""  # the pattern is to blame
    for escape in ESCAPE.findall(rewrite):
        if escape.isdigit() and int(escape) > reader.groups:
            return f"\\{escape} stands for group {escape}, but the match has {reader.groups}"
        if not escape.isdigit() and escape != "\\":
            return f"\\{escape} is neither a group nor \\\\"
    return ""


class Piece:
    """What a group, or a part of it, costs: its deepest repetition, and at least its size."""

    def __init__(self, size: int = 0) -> None:
        self.repeats = 1
        self.size = size

    def add(self, other: "Piece") -> None:
        self.repeats = max(self.repeats, other.repeats)
        self.size += other.size


class Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0
        self._groups = [Piece()]  # those that are open; the whole pattern first
        self._last = Piece()  # what a repetition would repeat
        self._names: set[str] = set()
        self.groups = 0

    def read(self) -> None:
        operand = False  # is there something to repeat
        repeated = False  # was it repeated already
        repetition = ""
        while self._at < len(self._pattern):
            char = self._pattern[self._at]
            if char in "*+?" or (char == "{" and REPEAT.match(self._pattern, self._at)):
                text = self._repetition()
                if not operand:
                    raise Fault(f"missing argument to repetition operator: `{text}`")
                if repeated:
                    raise Fault(f"invalid nested repetition operator: `{repetition}{text}`")
                repeated, repetition = True, text
                continue
            self._groups[-1].add(self._last)
            self._last = Piece(size=1)
            operand, repeated = self._atom(char), False
        if self._depth:
            raise Fault(f"missing closing ): `{self._pattern}`")
        if self._groups[0].size + self._last.size > SIZE_LIMIT:
            raise Fault("expression too large")

    def _repetition(self) -> str:
        start = self._at
        match = REPEAT.match(self._pattern, start)
        if match and self._pattern[start] == "{":
            low, comma, high = match.groups()
            upper = int(high) if high else (int(low) if not comma else 0)
            if int(low) > REPEAT_LIMIT or upper > REPEAT_LIMIT or (high and int(high) < int(low)):
                raise Fault(f"invalid repeat count: `{match[0]}`")
            self._repeat(max(int(low), upper, 1), match[0])
            self._at = match.end()
        else:
            self._at += 1
        if self._pattern.startswith("?", self._at):
            self._at += 1
        return self._pattern[start : self._at]

    def _repeat(self, times: int, text: str) -> None:
        self._last.repeats *= times
        self._last.size *= times
        if self._last.repeats > REPEAT_LIMIT:
            raise Fault(f"invalid repeat count: `{text}`")

    def _atom(self, char: str) -> bool:
        """Reads one piece; True when it can be repeated."""
        match char:
            case "(":
                return self._open()
            case ")":
                if not self._depth:
                    raise Fault(f"unexpected ): `{self._pattern}`")
                self._depth -= 1
                self._last = self._groups.pop()
                self._at += 1
                return True
            case "|":
                self._at += 1
                return False
            case "[":
                self._class()
                return True
            case "\\":
                self._escape(ESCAPES, in_class=False)
                return True
        self._at += 1
        return True

    def _open(self) -> bool:
        self._at += 1
        if not self._pattern.startswith("?", self._at):
            self._begin_group()
            self.groups += 1
            return False
        self._at += 1
        name = GROUP_NAME.match(self._pattern, self._at)
        if name:
            if name[1] in self._names:
                raise Fault(f"duplicate capture group name: `{name[1]}`")
            self._names.add(name[1])
            self._at = name.end()
            self._begin_group()
            self.groups += 1
            return False
        flags = FLAGS.match(self._pattern, self._at)
        end = flags.end() if flags else self._at
        closing = self._pattern[end : end + 1]
        if closing not in (":", ")") or (closing == ")" and end == self._at):
            text = self._pattern[self._at - 2 : end + 1]
            raise Fault(f"invalid or unsupported Perl syntax: `{text}`")
        self._at = end + 1
        if closing == ":":
            self._begin_group()
        return False

    def _begin_group(self) -> None:
        self._depth += 1
        self._groups.append(Piece())
        self._last = Piece()

    def _escape(self, letters: set[str], *, in_class: bool) -> None:
        start = self._at
        self._at += 1
        if self._at >= len(self._pattern):
            raise Fault("trailing backslash at end of expression: ``")
        char = self._pattern[self._at]
        if char == "Q" and not in_class:
            end = self._pattern.find("\\E", self._at)
            self._at = len(self._pattern) if end < 0 else end + 2
            return
        for form in (HEX, OCTAL, PROPERTY):
            match = form.match(self._pattern, self._at)
            if match:
                self._at = match.end()
                return
        if char not in letters and (char.isalnum() or not char.isascii()):
            raise Fault(f"invalid escape sequence: `{self._pattern[start : self._at + 1]}`")
        self._at += 1

    def _class(self) -> None:
        start = self._at
        self._at += 1
        if self._pattern.startswith("^", self._at):
            self._at += 1
        first = True
        while True:
            if self._at >= len(self._pattern):
                raise Fault(f"missing closing ]: `{self._pattern[start:]}`")
            char = self._pattern[self._at]
            if char == "]" and not first:
                self._at += 1
                return
            first = False
            posix = POSIX.match(self._pattern, self._at)
            if posix:
                self._at = posix.end()
                continue
            low = self._member()
            if self._range_follows():
                self._at += 1
                high = self._member()
                if low is not None and high is not None and high < low:
                    raise Fault(f"invalid character class range: `{low}-{high}`")

    def _member(self) -> str | None:
        """One character of a class; None when it is an escape."""
        char = self._pattern[self._at]
        if char == "\\":
            self._escape(CLASS_ESCAPES, in_class=True)
            return None
        self._at += 1
        return char

    def _range_follows(self) -> bool:
        rest = self._pattern[self._at : self._at + 2]
        return len(rest) == 2 and rest[0] == "-" and rest[1] != "]"
