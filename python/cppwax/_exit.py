"""How the end of a run becomes an exit code, and what the user gets to see of it."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable

from cppwax import _entry
from cppwax._causes import root_of, with_causes
from cppwax._locate import without_internal_frames
from cppwax.errors import CppwaxRuntimeError

EXIT_FAILED = 1
EXIT_USAGE = 2
# As Python has it where its last flush fails.
EXIT_UNFLUSHED = 120
# As a shell reports a process that the signal ended: SIGINT, SIGPIPE, SIGTERM.
EXIT_INTERRUPTED = 128 + 2
EXIT_STDOUT_CLOSED = 128 + 13
EXIT_ABANDONED = 128 + 15

_STDOUT_FD = 1


def exit_code_of(run: Callable[[], object]) -> int:
    """Run something to its end, and show what went wrong.

    Args:
        run: Returns how the run ended, as the engine says it; anything else is a good end.

    Returns:
        The code for the process to exit with.
    """
    try:
        ending = run()
    except KeyboardInterrupt as ex:
        code = EXIT_INTERRUPTED
        # What failed before, or on the way to the end.
        if isinstance(ex.__context__, CppwaxRuntimeError):
            code = exit_code_of_failure(ex.__context__, code)
    except Exception as ex:
        code = exit_code_of_failure(ex, EXIT_FAILED)
    else:
        code = EXIT_ABANDONED if ending == "abandoned" else 0
    return flush_stdout(code)


def exit_code_of_failure(ex: BaseException, code: int) -> int:
    """Show an exception, unless it only tells that nobody reads the output any more.

    Args:
        ex: What user code raised, or an exception caused by it.
        code: The code for a failure that is one.

    Returns:
        The code for the process to exit with.
    """
    if _is_stdout_closed(ex):
        return EXIT_STDOUT_CLOSED
    _show_exception(ex)
    return code


def last_words_of(ex: BaseException) -> tuple[int, str]:
    """Say what `exit_code_of` would of a failure, for a process that may not come so far.

    Args:
        ex: What a run would raise.

    Returns:
        The code for the process to exit with; what to write to standard error.
    """
    if _is_stdout_closed(ex):
        return EXIT_STDOUT_CLOSED, ""
    # Imported here for its cost, as most runs do not fail.
    import traceback

    _drop_internal_frames(ex)
    return EXIT_FAILED, "".join(traceback.format_exception(ex))


def told_of(ex: BaseException) -> tuple[str, str, str]:
    """Say what the other processes of a cluster are told of a failure.

    Args:
        ex: What a run raises here.

    Returns:
        The type of the exception that made it fail; the message; the traceback.
    """
    import traceback

    _drop_internal_frames(ex)
    root = root_of(ex)
    name = type(root).__qualname__
    if type(root).__module__ not in ("builtins", "__main__"):
        name = f"{type(root).__module__}.{name}"
    return name, str(ex), "".join(traceback.format_exception(root))


def _show_exception(ex: BaseException) -> None:
    """Print an exception and its causes with the frames of user code only."""
    _drop_internal_frames(ex)
    # The hook rather than `traceback`: a program may have put its own there.
    sys.excepthook(type(ex), ex, ex.__traceback__)


def _drop_internal_frames(ex: BaseException) -> None:
    for shown in with_causes(ex, contexts=True):
        shown.__traceback__ = without_internal_frames(shown.__traceback__)
    if _was_raised_by_engine(ex):
        ex.__traceback__ = None


def _was_raised_by_engine(ex: BaseException) -> bool:
    tb = ex.__traceback__
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    return tb is not None and tb.tb_frame.f_code.co_filename == _entry.__file__


def _is_stdout_closed(ex: BaseException) -> bool:
    """Tell a reader of our output that has gone from one of a pipe of the user's."""
    if not isinstance(root_of(ex), BrokenPipeError):
        return False
    poll = select.poll()
    # A writer hears of the other end without asking for anything.
    poll.register(_STDOUT_FD, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def end_forked_child(ex: BaseException) -> int:
    """Do what the interpreter does at the end of a script, but for taking itself down.

    Args:
        ex: What ends a process that a callback has forked.

    Returns:
        The code for that process to exit with.
    """
    # Imported here for its cost, as few callbacks fork.
    import atexit
    import threading

    code = _exit_code_of_script(ex)
    # As `multiprocessing` ends the processes that it forks.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
    except OSError:
        return EXIT_UNFLUSHED
    return code


def _exit_code_of_script(ex: BaseException) -> int:
    if not isinstance(ex, SystemExit):
        sys.excepthook(type(ex), ex, ex.__traceback__)
        return EXIT_FAILED
    if ex.code is None:
        return 0
    if isinstance(ex.code, int):
        return ex.code & 0xFF
    print(ex.code, file=sys.stderr)
    return EXIT_FAILED


def flush_stdout(code: int) -> int:
    """Write what is still buffered, so that a failure to do so is ours to report.

    Args:
        code: The code to exit with if all is well.

    Returns:
        The code to exit with.
    """
    if code == EXIT_STDOUT_CLOSED:
        _silence_stdout()
        return code
    try:
        if sys.stdout is not None and not sys.stdout.closed:
            sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
        return code or EXIT_STDOUT_CLOSED
    except OSError as ex:
        _silence_stdout()
        print(f"Error: cannot write to standard output: {ex.strerror}", file=sys.stderr)
        return code or EXIT_FAILED
    return code


def _silence_stdout() -> None:
    # The interpreter flushes once more when it exits, and would complain.
    null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(null, _STDOUT_FD)
    os.close(null)
