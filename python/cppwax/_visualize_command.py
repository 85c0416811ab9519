"""`python -m cppwax.visualize` and `cppwax visualize`: a drawing on standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

import click

from cppwax._command_line import exit_code_of_slip, read_command_line
from cppwax._compat_options import bytewax_program_option
from cppwax._exit import EXIT_INTERRUPTED, exit_code_of, flush_stdout
from cppwax._locate import LocateError, locate
from cppwax.dataflow import Dataflow

_EPILOG = """
\b
Formats:
  json      ports and streams of all steps, for programs
  mermaid   a flowchart for Mermaid, which GitHub and others show in Markdown
  plantuml  a component diagram for PlantUML
  svg       a picture; open it in a browser
  text      lines for this terminal

\b
Examples:
  python -m cppwax.visualize examples.simple:flow -o text
  python -m cppwax.visualize examples.wordcount -o svg > wordcount.svg
  python -m cppwax.visualize --bytewax flow_for_bytewax.py
"""


@dataclass(frozen=True)
class DrawingRequest:
    """A command line that has been understood."""

    context: click.Context
    import_str: str
    output_format: str
    recursive: bool

    def carry_out(self) -> int:
        """Find the dataflow and print its drawing.

        Returns:
            The code for the process to exit with.
        """
        try:
            # What the module prints is no part of the drawing.
            with redirect_stdout(sys.stderr):
                flow = locate(self.import_str)
        except KeyboardInterrupt:
            return flush_stdout(EXIT_INTERRUPTED)
        except LocateError as ex:
            return flush_stdout(exit_code_of_slip(ex, self.import_str, self.context))
        return exit_code_of(lambda: self._print(flow))

    def _print(self, flow: Dataflow) -> None:
        from cppwax import visualize

        draw: dict[str, Callable[[], str]] = {
            "json": lambda: visualize.to_json(flow),
            "mermaid": lambda: visualize.to_mermaid(flow),
            "plantuml": lambda: visualize.to_plantuml(flow, self.recursive),
            "svg": lambda: visualize.to_svg(flow, self.recursive),
            "text": lambda: _for_terminal(visualize.to_text(flow, self.recursive)),
        }
        # Files of these formats are UTF-8, whatever the terminal has.
        click.echo(draw[self.output_format]().encode(errors="backslashreplace"))


def _for_terminal(drawing: str) -> str:
    from cppwax._drawing.text import ascii_of

    try:
        is_utf8 = drawing.encode(sys.stdout.encoding) == drawing.encode()
    except UnicodeEncodeError:
        is_utf8 = False
    return drawing if is_utf8 else ascii_of(drawing)


@click.command("visualize", epilog=_EPILOG, short_help="Draw a dataflow.")
@click.argument("import_str")
@click.option(
    "-o",
    "--output-format",
    type=click.Choice(["json", "mermaid", "plantuml", "svg", "text"]),
    default="mermaid",
    show_default=True,
    help="What to print.",
)
@click.option(
    "-r",
    "--recursive",
    is_flag=True,
    help="Show substeps too; json always does, mermaid never.",
)
@bytewax_program_option
@click.pass_context
def visualize_command(context: click.Context, /, **options: Any) -> DrawingRequest:
    """Draw the dataflow that IMPORT_STR names, on standard output.

    The dataflow is not run, though its module is imported. IMPORT_STR is as for `cppwax run`.
    """
    # Only read here: what runs inside of click has its exceptions and signals handled by click.
    return DrawingRequest(context, **options)


def main() -> None:
    """Run `python -m cppwax.visualize` and exit with its code."""
    request = read_command_line(visualize_command, "python -m cppwax.visualize")
    sys.exit(request.carry_out() if isinstance(request, DrawingRequest) else request)
