"""Records the public names and signatures of the installed Bytewax for `test_exports.py`.

Run in the development environment, with Bytewax's extra `kafka` installed:
`python scripts/record_bytewax_api.py`. Only names, kinds of parameters and defaults are kept: what
a caller can see.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path

from tests.python.api_shape import MODULES, shape_of_module

TARGET = Path("tests/python/fixtures/bytewax_api.json")


def main() -> None:
    """Write the record."""
    shapes = {name: shape_of_module(importlib.import_module(f"bytewax.{name}")) for name in MODULES}
    TARGET.write_text(json.dumps(shapes, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{TARGET}: {sum(map(len, shapes.values()))} names")


if __name__ == "__main__":
    main()
