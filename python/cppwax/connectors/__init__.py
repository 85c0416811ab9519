"""Ready-made sources and sinks, one module for each outside system."""
