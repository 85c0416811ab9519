"""The console script `cppwax`."""

from __future__ import annotations

import sys

# A process that `multiprocessing` starts for user code imports the script's own imports again.
if "__mp_main__" in sys.modules:
    from cppwax._compat_options import install_in_child

    install_in_child()


def main() -> None:
    """Run a command and exit with its code."""
    from cppwax.run import main_group

    main_group()
