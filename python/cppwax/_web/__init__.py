"""The pages that a process serves over HTTP while it runs a dataflow.

`server` listens, `pages` answers, `metrics` gathers, `live` draws for a browser, `settings` says
whether and where. A run without pages imports `settings` and `start` alone.
"""
