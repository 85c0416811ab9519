"""Run the code blocks of one document, in the current folder.

    python -m tests.python.documents.run_page DOCUMENT

Prints what was counted, as JSON. Each page has a process of its own, since what it does (imports,
tracers, loggers) is for its reader's whole program.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from unittest import SkipTest

from tests.python.documents.blocks import Page


def main(path: Path) -> int:
    page = Page(path)
    failed, skipped = 0, []
    sys.path.insert(0, "")
    for example in page.document.examples():
        try:
            example.evaluate()
        except SkipTest as skip:
            skipped.append(str(skip))
        except Exception:
            failed += 1
            print(f"{path}:{example.line}:", file=sys.stderr)
            traceback.print_exc()
    for name in sorted(page.unused):
        failed += 1
        print(f"{path}: no command uses {name}.py", file=sys.stderr)
    if page.printed:
        failed += 1
        print(f"{path}: the last block prints, and it is not shown", file=sys.stderr)
    print(json.dumps({**page.counts, "skipped": skipped}))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
