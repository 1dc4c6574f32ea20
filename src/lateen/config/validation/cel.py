"""Is a text an expression of CEL, the language of access log filters. Syntax only, no types."""

import re
from typing import NamedTuple

TOKEN = re.compile(
    r"""\s+|//[^\n]*
    |(?P<number>0x[0-9a-fA-F]+u?|(?:\d+\.\d+|\.\d+|\d+)(?:[eE][+-]?\d+)?u?)
    |(?P<text>[bBrR]{0,2}(?:'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"
        |'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>&&|\|\||[=!<>]=|[-+*/%<>!?:.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)
RESERVED = frozenset(
    (
        *("as", "break", "const", "continue", "else", "for", "function", "if", "import"),
        *("let", "loop", "package", "namespace", "return", "var", "void", "while"),
    )
)
RELATIONS = frozenset(("<", "<=", ">", ">=", "==", "!=", "in"))
BINARY = RELATIONS | frozenset(("&&", "||", "+", "-", "*", "/", "%"))


class Token(NamedTuple):
    kind: str
    text: str
    at: int


class Fault(Exception):
    """Ends the reading."""


def fault(expression: str) -> str:
    """What is wrong with the expression, or nothing."""
    if not expression.strip():
        return "it is empty"
    try:
        reader = Reader(tokens(expression))
        reader.expression()
        reader.expect_end()
    except Fault as error:
        return str(error)
    return ""


def tokens(text: str) -> list[Token]:
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise Fault(f'unexpected "{text[at]}" at character {at + 1}')
        if match.lastgroup:
            found.append(Token(match.lastgroup, match[0], at))
        at = match.end()
    return [*found, Token("end", "", len(text))]


class Reader:
    """Recursive descent; precedence does not matter for what is valid."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._index = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._index]

    def _take(self, text: str) -> bool:
        if self._next.kind in ("sign", "name") and self._next.text == text:
            self._index += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take(text):
            self._refuse(f'expected "{text}"')

    def _refuse(self, wanted: str) -> None:
        token = self._next
        place = f'"{token.text}" at character {token.at + 1}' if token.text else "the end"
        raise Fault(f"{wanted} before {place}")

    def expect_end(self) -> None:
        if self._next.kind != "end":
            self._refuse("expected an operator")

    def expression(self) -> None:
        self._operands()
        if self._take("?"):
            self._operands()
            self._expect(":")
            self.expression()

    def _operands(self) -> None:
        self._unary()
        while self._next.kind in ("sign", "name") and self._next.text in BINARY:
            self._index += 1
            self._unary()

    def _unary(self) -> None:
        while self._take("!") or self._take("-"):
            pass
        self._primary()
        while True:
            if self._take("."):
                self._name()
                if self._take("("):
                    self._list(")")
            elif self._take("["):
                self.expression()
                self._expect("]")
            elif self._take("{"):
                self._entries()
            else:
                return

    def _name(self) -> None:
        if self._next.kind != "name" or self._next.text in RESERVED:
            self._refuse("expected a name")
        self._index += 1

    def _primary(self) -> None:
        if self._next.kind in ("number", "text"):
            self._index += 1
        elif self._take("("):
            self.expression()
            self._expect(")")
        elif self._take("["):
            self._list("]")
        elif self._take("{"):
            self._entries()
        else:
            self._take(".")
            self._name()
            if self._take("("):
                self._list(")")

    def _list(self, end: str) -> None:
        while not self._take(end):
            self.expression()
            if not self._take(","):
                self._expect(end)
                return

    def _entries(self) -> None:
        while not self._take("}"):
            self.expression()
            self._expect(":")
            self.expression()
            if not self._take(","):
                self._expect("}")
                return
