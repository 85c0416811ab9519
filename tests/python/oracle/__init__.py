"""Random flows, run on Bytewax and on cppwax, compared."""
