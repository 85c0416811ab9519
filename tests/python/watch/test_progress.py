"""Progress on standard error: lines, and a table on terminals."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import threading
from typing import Any

import pytest

from cppwax._watch import progress
from cppwax._watch.figures import Watch
from cppwax._watch.progress import head_of, line_of, short, shown_meanwhile
from cppwax._watch.terminal import Screen
from tests.python.cluster.processes import ROOT, Process
from tests.python.drawing.pictured import odd
from tests.python.watch.counted import FakeMeters, counted_flow
from tests.python.watch.emulated import seen


def watch(flow: Any = None) -> Watch:
    times = iter(range(1000))
    meters = FakeMeters(
        [
            ("counted.inp", 0, 0, 0, 1500, 0.1, 0.5),
            ("counted.next.flat_map_batch", 0, 1500, 300, 300, 0.75, 0.0),
        ],
        [(0, 8, 7), (1, 8, 6)],
    )
    return Watch(counted_flow() if flow is None else flow, meters, lambda: float(next(times)))


def test_a_line_tells_of_every_step() -> None:
    said = line_of(watch().look()).split("; ")
    assert said[:3] == [
        "1 s, epoch 8 open, 6 through",
        "inp: out 1.50k (1.50k/s), worked 5%, held back 25%",
        "next: in 1.50k (1.50k/s), out 300 (300/s), waiting 1.20k, worked 38%",
    ]
    assert [part.split(":")[0] for part in said[3:]] == ["even", "key", "count", "out"]


def test_odd_names_stay_on_the_line() -> None:
    line = line_of(watch(odd()).look())
    assert line.isprintable()


def test_before_the_start_there_are_no_epochs() -> None:
    assert head_of(Watch(counted_flow(), FakeMeters(), lambda: 5.0).look()) == "0 s, not started"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (9.5, "9.5"), (10.4, "10"), (1000, "1.00k"), (99_960, "100k"), (2.5e9, "2.50G")],
)
def test_numbers_are_short(number: float, text: str) -> None:
    assert short(number) == text


class Terminal(io.StringIO):
    """A terminal that keeps what was written."""

    def isatty(self) -> bool:
        return True


def terminal_of(monkeypatch: pytest.MonkeyPatch, lines: int = 30) -> Terminal:
    """Let the program have a terminal, in the test itself: pytest captures each part anew."""
    both = Terminal()
    for name, value in (("TERM", "xterm"), ("COLUMNS", "100"), ("LINES", str(lines))):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", both)
    monkeypatch.setattr(sys, "stderr", both)
    return both


def test_the_table_stays_below_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    looks = watch()
    with Screen(terminal) as screen:
        for number in range(3):
            print(f"item {number}")
            screen.draw(looks.look())
            print(f"more {number}\nand more", file=sys.stderr)
        screen.draw(looks.look())
    lines = seen(terminal.getvalue())
    printed = [text for n in range(3) for text in (f"item {n}", f"more {n}", "and more")]
    assert lines[:9] == printed
    assert lines[9] == "4 s, epoch 8 open, 6 through"
    assert lines[10].split() == ["step", "in", "in/s", "out", "out/s", "waiting", "worked"] + [
        "held",
        "back",
        "lag",
    ]
    names = [line.split()[0] for line in lines[11:] if line]
    assert names == ["inp", "next", "even", "key", "count", "out"]
    assert sys.stdout is sys.stderr is terminal


def test_a_line_without_an_end_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    with Screen(terminal) as screen:
        print("so far", end="")
        screen.draw(watch().look())
        print("further")
    assert seen(terminal.getvalue())[:2] == ["so far", "further"]


def test_a_table_that_is_too_long_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch, lines=7)
    with Screen(terminal) as screen:
        screen.draw(watch().look())
    lines = seen(terminal.getvalue())
    assert lines[-2] == "and 3 more steps"
    assert len(lines) <= 7


def test_names_are_no_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    with Screen(terminal) as screen:
        screen.draw(watch(odd()).look())
    assert "[x]" in terminal.getvalue()
    seen(terminal.getvalue())


def test_many_threads_may_print(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of(monkeypatch)
    looks = watch()

    def write(name: str) -> None:
        for number in range(100):
            sys.stdout.write(f"{name} {number}\n")

    with Screen(terminal) as screen:
        threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for _ in range(50):
            screen.draw(looks.look())
        for thread in threads:
            thread.join()
    printed = [line for line in seen(terminal.getvalue()) if line[:2] in ("a ", "b ", "c ")]
    assert sorted(printed) == sorted(f"{name} {n}" for name in "abc" for n in range(100))


def test_without_a_terminal_lines_come_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    came = threading.Semaphore(0)

    class Log(io.StringIO):
        def flush(self) -> None:
            came.release()

    log = Log()
    monkeypatch.setattr(sys, "stderr", log)
    monkeypatch.setattr(progress, "_LINE_SECONDS", 0.01)
    with shown_meanwhile(watch(), "name"):
        for _ in range(3):
            assert came.acquire(timeout=30)
    lines = log.getvalue().splitlines()
    assert len(lines) >= 4
    assert all(line.startswith("name: ") and "inp: out 1.50k" in line for line in lines)


def test_where_nobody_reads_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    with shown_meanwhile(watch(), "name"):
        log.close()
    monkeypatch.setattr(sys, "stderr", None)
    with shown_meanwhile(watch(), "name"):
        pass


def run(name: str, *arguments: str) -> Any:
    command = ["-m", "cppwax.run", f"tests.python.watch.flows:{name}", "--progress", *arguments]
    return Process(command, {}, ROOT).end()


def test_a_run_ends_with_a_line() -> None:
    ended = run("prints")
    assert (ended.code, ended.out) == (0, "0\n2\n4\n")
    (line,) = ended.err.splitlines()
    assert line.startswith("cppwax: 0 s, epoch ")
    assert "; twice: in 3 (" in line
    assert "; out: in 3 (" in line


def test_each_process_of_several_has_lines() -> None:
    ended = run("prints", "-p", "2")
    assert (ended.code, ended.out) == (0, "0\n2\n4\n")
    lines = sorted(ended.err.splitlines())
    assert [line[:19] for line in lines] == ["cppwax: process 0: ", "cppwax: process 1: "]


def test_a_failure_is_shown_below() -> None:
    ended = run("fails")
    assert (ended.code, ended.out) == (1, "1\n")
    lines = ended.err.splitlines()
    assert lines[0].startswith("cppwax: ")
    assert lines[1].startswith("Traceback")
    assert "ZeroDivisionError" in ended.err


def read_all(file: int) -> str:
    text = b""
    try:
        while chunk := os.read(file, 1 << 16):
            text += chunk
    except OSError:
        # Linux says so when all others have closed it.
        pass
    os.close(file)
    return text.decode()


def test_on_a_terminal_there_is_one_table_below_the_output() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "cppwax.run", "tests.python.watch.flows:prints_slowly"]
    env = os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "40"}
    process = subprocess.Popen(
        [*command, "--progress", "--log-level", "info"],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
        env=env,
    )
    os.close(theirs)
    written = read_all(ours)
    assert process.wait(60) == 0
    assert written.count("held back") >= 2
    lines = seen(written.replace("\r\n", "\n"))
    assert [line for line in lines if line.isdigit()] == [str(n) for n in range(125)]
    assert sum("held back" in line for line in lines) == 1
    assert any("run begins" in line for line in lines)
    assert [line.split()[0] for line in lines if line][-3:] == ["inp", "slowly", "out"]
