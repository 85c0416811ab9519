"""What `StdOutSink` prints."""

from __future__ import annotations

import contextlib
import io
import sys

import pytest

from cppwax.connectors.stdio import StdOutSink


class Recorder(io.StringIO):
    """A standard output that tells apart the calls made to it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def write(self, text: str) -> int:
        self.calls.append(text)
        return len(text)

    def flush(self) -> None:
        self.calls.append("<flush>")


class Unprintable:
    def __str__(self) -> str:
        raise ValueError("no")


def test_each_item_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    class Shown:
        def __str__(self) -> str:
            return "str"

        def __format__(self, spec: str) -> str:
            raise AssertionError("print uses str")

    StdOutSink().build("flow.out", 0, 1).write_batch([1, "a", None, ("x", 2.5), Shown(), "b\nc"])
    assert capsys.readouterr().out == "1\na\nNone\n('x', 2.5)\nstr\nb\nc\n"


def test_a_batch_is_one_write_and_one_flush() -> None:
    out = Recorder()
    with contextlib.redirect_stdout(out):
        StdOutSink().build("flow.out", 0, 1).write_batch(["a", "b"])
    assert out.calls == ["a\nb\n", "<flush>"]


def test_the_output_of_the_moment_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    part = StdOutSink().build("flow.out", 0, 1)
    part.write_batch([1])
    with contextlib.redirect_stdout(io.StringIO()) as other:
        part.write_batch([2])
    part.write_batch([3])
    assert other.getvalue() == "2\n"
    assert capsys.readouterr().out == "1\n3\n"


def test_what_comes_before_a_failure_is_shown() -> None:
    out = Recorder()
    part = StdOutSink().build("flow.out", 0, 1)
    with contextlib.redirect_stdout(out):
        with pytest.raises(ValueError, match="no"):
            part.write_batch(["a", Unprintable(), "b"])
        with pytest.raises(ValueError, match="no"):
            part.write_batch([Unprintable()])
    assert out.calls == ["a\n", "<flush>"]


def test_a_program_without_an_output_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert StdOutSink().build("flow.out", 0, 1).write_batch([1]) is None
