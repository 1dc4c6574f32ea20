"""Regular expressions of RE2."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lateen.config.validation.re2 import fault, rewrite_fault


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "a|b|",
        "^/v[0-9]+(/.*)?$",
        "(?i)abc",
        "(?i:a)(?P<name>b)(?<other>c)",
        "[]a]",
        "[^]a-z-]",
        "[[:alpha:]_-]",
        r"\d+\.\d+\Q*+?\E",
        r"\pL\p{Greek}\x41\x{10FFFF}",
        "a{2,3}?",
        "a{,3}",  # not a repetition: as it stands
        "x*?",
        "{",
        "(?s).",
        "(a{10}){100}(?:b{10}){100}",
        "a{1000}" * 32,
    ],
)
def test_valid(pattern: str) -> None:
    assert fault(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("*", "missing argument to repetition operator: `*`"),
        ("?", "missing argument"),
        ("a|*", "missing argument"),
        ("(*)", "missing argument"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a++", "invalid nested repetition operator: `++`"),
        ("(", "missing closing )"),
        (")", "unexpected )"),
        ("[a", "missing closing ]"),
        ("[z-a]", "invalid character class range: `z-a`"),
        ("a{1001}", "invalid repeat count"),
        ("(a{100}){11}", "invalid repeat count: `{11}`"),
        ("((a{10}){10}b){11,}", "invalid repeat count: `{11,}`"),
        ("(?:x(?P<n>a{20})){51}", "invalid repeat count"),
        ("a{1000}" * 33, "expression too large"),
        ("(?:" + "ab" * 50 + "){1000}", "expression too large"),
        (r"\pX", "invalid escape sequence"),
        ("a{3,2}", "invalid repeat count"),
        (r"(a)\1", r"invalid escape sequence: `\1`"),
        (r"\Z", "invalid escape sequence"),
        ("\\", "trailing backslash"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?<!a)", "invalid or unsupported Perl syntax"),
        ("(?>a)", "invalid or unsupported Perl syntax"),
        ("(?P<a>b)(?P<a>c)", "duplicate"),
    ],
)
def test_invalid(pattern: str, words: str) -> None:
    assert words in fault(pattern)


@given(st.text())
def test_a_quoted_text_is_always_valid(text: str) -> None:
    assert fault(re.escape(text.replace("\0", ""))) == ""


@pytest.mark.parametrize(
    ("rewrite", "pattern", "sound"),
    [
        (r"/v1/\2\1", "^/(a)(?P<x>b)", True),
        (r"/\0", "a", True),
        (r"a\\b", "a", True),
        (r"\1", "(?:a)", False),
        (r"\3", "(a)(b)", False),
        (r"\x", "(a)", False),
        ("\\", "(a)", False),
        (r"\1", "(", True),  # the pattern is to blame
    ],
)
def test_replacements(rewrite: str, pattern: str, sound: bool) -> None:
    assert (rewrite_fault(rewrite, pattern) == "") is sound
