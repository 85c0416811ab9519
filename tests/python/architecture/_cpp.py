"""Just enough reading of C++ for the house rules: comments, includes, function definitions.

It is no parser. It relies on clang-format having been over the text and on the style that the
project is written in; what it cannot read it leaves out, and the self-tests pin what it reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
_COMMENT_OR_LITERAL = re.compile(
    r"""
    (?P<comment> //[^\n]* | /\*.*?\*/ )
    | (?P<raw> R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)" )
    | (?P<string> "(?:\\.|[^"\\\n])*" )
    | (?P<char> (?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+' )
    """,
    re.VERBOSE | re.DOTALL,
)
_PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.)*(?:\\\n(?:[^\n\\]|\\.)*)*", re.MULTILINE)
_SCOPE_HEAD = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
_ACCESS_LABELS = re.compile(r"(?:\s*\b(?:public|protected|private)\s*:(?!:))+")
_NAME_BEFORE_PARENTHESIS = re.compile(r"([\w:~]+|operator\s*\S+?)\s*$")


@dataclass(frozen=True)
class Include:
    """One include line: the spelled path, and whether it was in quotes."""

    line: int
    path: str
    quoted: bool


@dataclass(frozen=True)
class Function:
    """One function definition."""

    name: str
    line: int
    line_count: int
    parameter_count: int


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match.group())


def without_comments(text: str) -> str:
    """Replace comments by spaces, so that lines and columns stay."""
    return _COMMENT_OR_LITERAL.sub(lambda m: _blank(m) if m["comment"] else m.group(), text)


def code_only(text: str) -> str:
    """Replace comments, literals and preprocessor lines by spaces."""
    return _PREPROCESSOR.sub(_blank, _COMMENT_OR_LITERAL.sub(_blank, text))


def _without_deduced_types(code: str) -> str:
    # `decltype(auto) name(…)`: the first parenthesis would not be the parameters'.
    return re.sub(r"\bdecltype\(auto\)", _blank, code)


def line_of(text: str, position: int) -> int:
    """Give the number of the line that a position is in."""
    return text.count("\n", 0, position) + 1


def includes(text: str) -> list[Include]:
    """Find the include lines."""
    visible = without_comments(text)
    return [
        Include(line_of(visible, match.start()), match[2], match[1] == '"')
        for match in _INCLUDE.finditer(visible)
    ]


def functions(text: str) -> Iterator[Function]:
    """Find the function definitions outside other functions; lambdas belong to their function."""
    code = _without_deduced_types(code_only(text))
    head_start = position = 0
    while position < len(code):
        char = code[position]
        if char in ";}":
            head_start = position + 1
        elif char == "{":
            if labels := _ACCESS_LABELS.match(code, head_start, position):
                head_start = labels.end()
            head = code[head_start:position]
            if _is_function_head(head):
                end = _matching(code, position)
                yield _function(code, head_start, head, end)
                position = end
            elif not _is_scope_head(head):
                # An initialiser: what follows it still belongs to the same declaration.
                position = _matching(code, position)
                position += 1
                continue
            head_start = position + 1
        position += 1


def _is_scope_head(head: str) -> bool:
    stripped = head.strip()
    return bool(_SCOPE_HEAD.search(_outside_parentheses(stripped))) or not stripped


def _is_function_head(head: str) -> bool:
    outside = _outside_parentheses(head)
    if ")" not in outside or re.search(
        r"(?<![=!<>])=(?!=)", re.sub(r"\boperator\s*\S+", "", outside)
    ):
        return False
    before_body = outside.rstrip()
    initialisers = re.search(r"\)[^:]*?(?<!:):(?!:)", outside)
    # `Name(…) : member_{…}, other_(…) {`: a brace after a name opens a member's initialiser.
    return not (initialisers and re.search(r"[\w>]$", before_body))


def _outside_parentheses(head: str) -> str:
    depth = 0
    kept = []
    for char in head:
        depth -= char == ")"
        if depth == 0 or (depth == 1 and char == "("):
            kept.append(char)
        depth += char == "("
    return re.sub(r"^\s*template\s*<[^{]*?>\s*(?=[\w\[:~])", "", "".join(kept))


def _matching(code: str, opening: int) -> int:
    depth = 0
    for position in range(opening, len(code)):
        depth += {"{": 1, "}": -1}.get(code[position], 0)
        if depth == 0:
            return position
    return len(code)


def _function(code: str, head_start: int, head: str, end: int) -> Function:
    start = head_start + len(head) - len(head.lstrip())
    opening = head.index("(")
    if re.search(r"\boperator\s*$", head[:opening]):
        opening = head.index("(", opening + 1)
    name = _NAME_BEFORE_PARENTHESIS.search(head[:opening])
    return Function(
        name=name[1] if name else "?",
        line=line_of(code, start),
        line_count=line_of(code, end) - line_of(code, start) + 1,
        parameter_count=_parameter_count(head[opening:]),
    )


def _parameter_count(rest: str) -> int:
    depth = commas = 0
    content = ""
    for char in rest:
        depth += {"(": 1, "<": 1, "[": 1, "{": 1, ")": -1, ">": -1, "]": -1, "}": -1}.get(char, 0)
        if depth == 0:
            break
        commas += char == "," and depth == 1
        content += char
    return commas + 1 if content.strip(" \n(") else 0
