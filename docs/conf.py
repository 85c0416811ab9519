"""Makes the site of `docs/` (Sphinx): `make docs`.

Pages are Markdown that reads well where it lies, so links point to files of the repository. Those
that lead out of `docs/` are pointed at pages here: the README is one, the examples are another.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

import cppwax

ROOT = Path(__file__).parents[1]
_log = logging.getLogger(__name__)

project = "cppwax"
author = "the authors of cppwax"
version = release = cppwax.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
]

# Text
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
highlight_language = "text"
copybutton_prompt_text = r"\$ |> |>>> |\.\.\. "
copybutton_prompt_is_regexp = True

# Docstrings: `name` is a link where the name is known, and code where it is not.
default_role = "py:obj"
autoclass_content = "both"
autodoc_member_order = "groupwise"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False

# Looks. Nothing of it comes from elsewhere when a page is read.
html_theme = "furo"
# So small that the lines of the package's docstrings are seen in whole.
_CODE_SIZE = {"code-font-size": "75%"}
html_theme_options = {"light_css_variables": _CODE_SIZE, "dark_css_variables": _CODE_SIZE}
html_title = f"cppwax {release}"
html_show_sourcelink = False
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False

_README_PAGE = "overview"
_EXAMPLES = ROOT / "examples"
_EXAMPLE = re.compile(r"(?:\.\./)?examples(?:/(?:deploy/)?([\w.]+))?/?")


def _label_of_example(name: str | None) -> str:
    return "examples-" + re.sub(r"[._]", "-", name or "all")


def _examples() -> str:
    """Show each example, in a section that links to it can name."""
    programs = [path for path in sorted(_EXAMPLES.glob("*.py")) if path.stem != "__init__"]
    return "\n\n".join(
        f"({_label_of_example(path.name)})=\n## {path.relative_to(_EXAMPLES)}\n\n"
        f"```{{literalinclude}} ../{path.relative_to(ROOT)}\n:language: {language}\n```"
        for language, paths in (
            ("python", programs),
            ("ini", sorted(_EXAMPLES.glob("deploy/*.service"))),
            ("yaml", sorted(_EXAMPLES.glob("deploy/*.yaml"))),
        )
        for path in paths
    )


def _on_the_site(target: str, *, of_readme: bool) -> str:
    """Point a link of a document at what it is on the site."""
    path, mark, anchor = target.partition("#")
    if path == "../README.md":
        return f"{_README_PAGE}.md{mark}{anchor}"
    if example := _EXAMPLE.fullmatch(path):
        return f"#{_label_of_example(example[1])}"
    return target.removeprefix("docs/") if of_readme else target


def _pages_not_in(navigation: str) -> str:
    """Name the pages that have no line of their own in the navigation yet."""
    pages = sorted(path.stem for path in (ROOT / "docs").glob("*.md") if path.stem != "index")
    return "\n".join(
        page for page in pages if not re.search(rf"^{page}$|<{page}>", navigation, re.M)
    )


def _read_source(app: Sphinx, docname: str, source: list[str]) -> None:
    of_readme = docname == _README_PAGE
    if of_readme:
        readme = ROOT / "README.md"
        app.env.note_dependency(readme)
        source[0] = readme.read_text("utf-8").replace("[Apache-2.0](LICENSE)", "Apache-2.0")
    if docname == app.config.root_doc:
        source[0] = source[0].replace("(all others)", _pages_not_in(source[0]))
    if docname == "examples":
        source[0] = source[0].replace("(all examples)", _examples())
    source[0] = re.sub(
        r"\]\(([^)\s]+)\)",
        lambda link: f"]({_on_the_site(link[1], of_readme=of_readme)})",
        source[0],
    )


_FACT = re.compile(r"\*\*(Shape|Order|State|Parallelism)\*\*: ")
_CODE = re.compile(r"(?<![\w`])`([^`\s][^`]*)`(?!`)(?=(\w?))")


def _read_code(code: re.Match[str]) -> str:
    """Make a link of a name and code of all else; a word may go on behind, as in `KeyError`s."""
    is_name = re.fullmatch(r"[A-Za-z_][\w.]*(\(\))?", code[1])
    return (f"`{code[1]}`" if is_name else f"``{code[1]}``") + ("\\ " if code[2] else "")


def _read_docstring(_app: Sphinx, *about: Any) -> None:
    """Let docstrings be written for `help` too.

    What operators say about themselves becomes a list; it would be one paragraph.
    """
    lines, in_fact = about[-1], False
    for at, line in enumerate(lines):
        lines[at] = line if line.lstrip().startswith(">>>") else _CODE.sub(_read_code, line)
        if _FACT.match(line):
            lines[at], in_fact = f"* {lines[at]}", True
        elif in_fact and line:
            lines[at] = f"  {lines[at]}"
        else:
            in_fact = False


def _read_signature(_app: Sphinx, *about: Any) -> tuple[str | None, str | None]:
    """Make those signatures ones of Python that generated methods do not have in words."""
    signature, result = about[-2:]
    for unreadable, readable in (
        (r"<function (\w+)[^>]*>", r"\1"),
        ("<factory>", "..."),
        (r"~typing\.~", ""),
    ):
        signature = signature and re.sub(unreadable, readable, signature)
    return signature, result


def _read_help(_app: Sphinx, _context: Any, lines: list[str]) -> None:
    """Take what commands say below their options as it is."""
    if any(lines):
        lines[:] = [".. code-block:: text", "", *(f"   {line}" for line in lines), ""]


def _read_option(_app: Sphinx, _context: Any, lines: list[str]) -> None:
    """Take a trailing underscore as a part of the name, as in BYTEWAX_."""
    lines[:] = [re.sub(r"(?<=\w)_(?!\w)", r"\\_", line) for line in lines]


def _find_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.Element
) -> nodes.Element | None:
    """Complain of a name in a docstring that is spelled in full and that nothing has."""
    target = node.get("reftarget", "")
    names_module = re.fullmatch(r"cppwax(\.\w+)+", target)
    if node.get("refdomain") == "py" and names_module and not _exists(target):
        _log.warning("nothing is named %s", target, location=node, type="ref", subtype="name")
    return None


def _exists(name: str) -> bool:
    from pydoc import locate

    return locate(name) is not None


def _find_quotes(_app: Sphinx, tree: nodes.document, docname: str) -> None:
    """Complain of indented lines in docstrings that were not meant as a quotation."""
    if not docname.startswith("api/") or docname == "api/command_line":
        return
    for quote in tree.findall(nodes.block_quote):
        _log.warning("end the line above what is indented with `::`", location=quote)


def setup(app: Sphinx) -> None:
    """Hook the functions above in."""
    app.connect("source-read", _read_source)
    # After napoleon, which makes lists of the sections.
    app.connect("autodoc-process-docstring", _read_docstring, priority=900)
    app.connect("autodoc-process-signature", _read_signature)
    app.connect("sphinx-click-process-epilog", _read_help)
    app.connect("sphinx-click-process-options", _read_option)
    app.connect("missing-reference", _find_name)
    app.connect("doctree-resolved", _find_quotes)
