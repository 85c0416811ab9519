"""Small dataflows, each a program of its own; run them with `python -m cppwax.run`."""
