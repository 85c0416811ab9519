"""The console script `cppwax`."""

from __future__ import annotations


def main() -> None:
    """Run a command and exit with its code."""
    from cppwax.run import main_group

    main_group()
