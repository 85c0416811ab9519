"""Takes pictures for the documentation: the live page and the view in the terminal.

    python -m scripts.take_pictures

Two processes run a dataflow with a step that is too slow. The page is shown by Chromium, as in the
tests; the terminal is one of ours, of which the last table is drawn.
"""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome

from tests.python.web.browser import started, until
from tests.python.web.test_serving import free_ports

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
COLUMNS, LINES = 96, 20
_COMMAND = (sys.executable, "-m", "cppwax.run", "tests.python.web.flows:slow_step")
# A window is there, queues are full, and a table was drawn since.
_SETTLED = """
const cells = [...document.querySelectorAll("#steps tr")].map(
  (row) => [...row.cells].map((cell) => cell.textContent));
return cells.length === 4 && parseInt(cells[0][9]) > 30 && cells[1][11].includes("north")
  && cells[2][10] !== "" && parseInt(document.querySelector("#run").textContent.split(",")[2]) >= 8;
"""


class _Terminal:
    """A terminal of ours, with what a process has written to it."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        self._written = b""
        self._lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._ours, 1 << 16)
            except OSError:
                return
            with self._lock:
                self._written += chunk

    def last_table(self) -> str:
        """Give what was drawn last, and is drawn to its end."""
        with self._lock:
            written = self._written.decode()
        # Each table begins by wiping the one before away.
        whole = re.split(r"\r\x1b\[\d+A\x1b\[J", written)[-2:]
        return whole[0].replace("\r\n", "\n")


@contextmanager
def _running(terminal: _Terminal, first: int) -> Iterator[None]:
    addresses = f"127.0.0.1:{first};127.0.0.1:{first + 1}"
    env = os.environ | {
        **{"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(LINES)},
    }
    with ExitStack() as stack:
        for number in range(2):
            options = ["-i", str(number), "-w", "2", "-a", addresses, "--dataflow-api"]
            options += ["--dataflow-api-port", str(first + 2)]
            # The frequent keys are of the second process.
            stream = terminal.theirs if number == 1 else subprocess.DEVNULL
            process = subprocess.Popen(
                [*_COMMAND, *options, *(["--progress"] if number == 1 else [])],
                **{"env": env, "cwd": ROOT, "stdin": subprocess.DEVNULL},
                **{"stdout": stream, "stderr": stream},
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield


def _as_svg(table: str) -> str:
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(
        Text.from_ansi("$ python -m cppwax.run orders:flow -w 2 -i 1 -a … --progress\n" + table)
    )
    picture = console.export_svg(title="cppwax --progress", unique_id="cppwax")
    # A picture asks nobody else for a font.
    return re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)


def main() -> None:
    """Take them."""
    # Two to speak with each other, two for pages.
    terminal, first = _Terminal(), free_ports(4)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        browser = stack.enter_context(started(Path(folder), 1540, 780))
        stack.enter_context(_running(terminal, first))
        until(browser, lambda it: _opened(it, f"http://127.0.0.1:{first + 3}/"))
        until(browser, lambda it: it.execute_script(_SETTLED))
        browser.save_screenshot(str(PICTURES / "live_page.png"))
        (PICTURES / "progress.svg").write_text(_as_svg(terminal.last_table()), encoding="utf-8")


def _opened(browser: Chrome, address: str) -> bool:
    try:
        browser.get(address)
    except WebDriverException:
        return False
    return True


if __name__ == "__main__":
    main()
