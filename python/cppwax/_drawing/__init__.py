"""How a dataflow is drawn: its ports resolved, diagrams as text, layout, pictures.

`cppwax.visualize` is the public face. Nothing here runs anything or needs the engine.
"""
