"""Does something again and again, beside a run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeated(
    do: Callable[[], None],
    seconds: float,
    name: str,
    until: tuple[type[Exception], ...] = (),
) -> Iterator[None]:
    """Do something each so many seconds, on a thread of its own, and once at the end.

    Args:
        do: What.
        seconds: How long to wait in between.
        name: Of the thread.
        until: An error of these kinds ends it; what is within goes on.

    Yields:
        While it is done.
    """
    is_over = threading.Event()

    def work() -> None:
        try:
            while not is_over.wait(seconds):
                do()
            do()
        except until:
            return

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
