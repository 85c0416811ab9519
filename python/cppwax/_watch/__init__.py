"""What can be seen of a run while it is on, from what the engine counts.

`figures` makes totals and rates of the steps that the user wrote; pages over HTTP (`cppwax._web`)
show them too. `progress` shows them on standard error, `terminal` as a table; `start` says when.
"""
