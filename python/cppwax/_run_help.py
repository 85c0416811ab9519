"""What `python -m cppwax.run --help` teaches below its options."""

EPILOG = """
\b
How IMPORT_STR names a dataflow:
  simple                 `flow` in simple.py of the current directory, or in
                         an installed module of this name
  simple:other           another name in it
  simple:get_flow        a function that returns the dataflow, called with
                         no arguments
  "simple:get_flow(10)"  the same with literal arguments: numbers, quoted
                         strings, True, False, None, lists, tuples, dicts
                         and sets, by keyword too; quote it for the shell
  examples.simple:flow   a module in a package
  flows/simple.py:flow   a file

\b
Workers:
  A worker is a thread that runs the whole dataflow. Sources share their
  partitions out among the workers, and all items with the same key go to one
  worker. Start with one; more of them help where steps wait for something or
  compute without holding the interpreter's lock.

\b
Several processes:
  The same command runs on each host, with the same -a everywhere and -i
  telling which address is its own. They connect to each other, in whatever
  order they start, and share the work as workers do:
    python -m cppwax.run simple -w3 -i0 -a "one:2101;two:2101"     on host one
    python -m cppwax.run simple -w3 -i1 -a "one:2101;two:2101"     on host two
  On one machine, -p starts all of them with one command.
  Set CPPWAX_CLUSTER_SECRET_FILE to a file with a secret on all hosts (`cppwax
  secret` makes one), or use --tls-cert, --tls-key and --tls-ca.

\b
Recovery:
  mkdir db && python -m cppwax.recovery db 4     # once
  python -m cppwax.run -r db simple:flow         # each time
  After a crash or a stop the next run goes on where the last one was, with
  any number of workers: no item is lost, and with `FileSink` and `DirSink`
  none is written twice.

\b
Progress and pages:
  --progress shows rates, waiting items and the busiest step in the terminal.
  With --dataflow-api each process tells of its run over HTTP, at
  http://127.0.0.1:3030 for this machine alone: in a browser the dataflow with
  rates, waiting items and the slowest step; for programs /status, /dataflow,
  /metrics (your own prometheus_client metrics too), /healthz, /readyz.

\b
Signals:
  Ctrl-C ends the run promptly. SIGTERM closes the sources, delivers what is
  under way and ends; what is not through within the stop timeout is
  abandoned. A second signal ends the process at once.

\b
Exit codes:
  0    the input came to its end, or SIGTERM stopped the run cleanly
  1    the dataflow failed; its traceback is on standard error
  2    wrong usage, or no dataflow was found; nothing was run
  130  Ctrl-C
  141  the reader of standard output went away, as with `| head`
  143  SIGTERM, and the stop timeout was over

\b
Examples:
  python -m cppwax.run "examples.parametric:get_flow(10)"
  python -m cppwax.run -w 3 examples.simple:flow
  python -m cppwax.run -p 2 -w 2 examples.simple:flow
  python -m cppwax.run --bytewax flow_for_bytewax.py
  CPPWAX_WORKERS_PER_PROCESS=3 python -m cppwax.run examples/simple.py
"""
