"""Programs whose process is forked, or ends, while a flow runs: `forking.py WAY WORKERS`."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import warnings

import signalled

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSink, TestingSource, cluster_main, run_main

# From 3.12 on the parent is warned of its threads, on the stream that the child writes to.
warnings.filterwarnings("ignore", "This process", DeprecationWarning)


def run(flow: Dataflow, workers: int) -> None:
    if workers == 1:
        run_main(flow)
    else:
        cluster_main(flow, [], 0, worker_count_per_proc=workers)


def be_child(way: str) -> None:
    """What the child does; it returns where the child comes back from the callback."""
    if way == "os._exit":
        os._exit(7)
    elif way == "sys.exit":
        sys.exit(7)
    elif way == "sys.exit with a text":
        sys.exit("the text")
    elif way == "ends in order":
        # Threads are waited for, what is registered is called, what was written is flushed.
        seen: list[str] = []
        atexit.register(lambda: print("registered, after", *seen))
        main = threading.main_thread()
        threading.Thread(target=lambda: (main.join(), seen.append("a thread"))).start()
        print("printed", end=" ")
        sys.exit()
    elif way == "raises":
        raise ZeroDivisionError
    elif way == "runs a flow":
        out: list[int] = []
        flow = Dataflow("inner")
        op.output("out", op.input("inp", flow, TestingSource([4, 5])), TestingSink(out))
        for workers in (1, 2):
            run(flow, workers)
        os._exit(0 if out == [4, 5, 4, 5] else 3)
    elif way == "is signalled":
        # The parent's handlers would note it in the parent's pipe, and the child live on.
        os.kill(os.getpid(), signal.SIGTERM)


def fork_in_callback(way: str, workers: int) -> None:
    def fork_once(item: int) -> int:
        if item == 2:
            child = os.fork()
            if child == 0:
                be_child(way)
                return item
            _, status = os.waitpid(child, 0)
            print("child ended with", os.waitstatus_to_exitcode(status), flush=True)
        return item

    out: list[int] = []
    flow = Dataflow("outer")
    stream = op.map("fork", op.input("inp", flow, TestingSource([1, 2, 3])), fork_once)
    op.output("out", stream, TestingSink(out))
    run(flow, workers)
    print("parent delivered", out, flush=True)


def end_with_daemon(workers: int) -> None:
    """The main thread returns while a flow runs in a thread that nobody waits for."""
    is_read = threading.Event()

    def tell() -> None:
        signalled.say_ready()
        is_read.set()

    signalled.tell_ready = tell
    threading.Thread(target=run, args=(signalled.idle(), workers), daemon=True).start()
    is_read.wait()


if __name__ == "__main__":
    if sys.argv[1] == "daemon":
        end_with_daemon(int(sys.argv[2]))
    else:
        fork_in_callback(sys.argv[1], int(sys.argv[2]))
