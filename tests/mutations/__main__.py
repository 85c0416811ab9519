"""Break each rule in turn and count the seeds until the simulation sees it.

python -m tests.mutations                 all of them
python -m tests.mutations one_window      this one
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutations.rules import MUTATIONS, Mutation

ROOT = Path(__file__).parents[2]
NEEDED = ("CMakeLists.txt", "CMakePresets.json", "cmake", "cpp", "tests/cpp")
TESTS = {
    "no recovery": "AnyFlowUnderAnySchedule*",
    "recovery": "NothingIsLostOrDoubled*",
    "ends": "AllProcessesEndInTime*",
}
# Of one of the tests. A broken rule may also make a run go on for ever.
LONGEST_S = 300


def prepare(copy: Path) -> None:
    """Copy what the simulation is built from, and configure it."""
    for name in NEEDED:
        source, target = ROOT / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
    subprocess.run(["cmake", "--preset", "dev"], cwd=copy, check=True, stdout=subprocess.DEVNULL)


def build(copy: Path) -> Path:
    """Build the simulation."""
    folder = copy / "build" / "dev"
    command = ["cmake", "--build", str(folder), "--target", "simulation_tests", "-j2"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        sys.exit(f"the mutated engine does not compile:\n{made.stdout[-3000:]}")
    return folder / "tests" / "cpp" / "simulation_tests"


def seed_that_catches(program: Path, test: str, seeds: int) -> str | None:
    """Run one test: the first seed that fails, or None."""
    env = os.environ | {"CPPWAX_SIM_SEEDS": str(seeds), "CPPWAX_SIM_SHOWN": "1"}
    command = [str(program), f"--gtest_filter=*.{test}"]
    try:
        ran = subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        return "by its time limit"
    if ran.returncode == 0:
        return None
    found = re.search(r"CPPWAX_SIM_SEED=(\d+)", ran.stdout)
    return found.group(1) if found else "by its crash"


def _shown(caught: dict[str, str | None], name: str) -> str:
    return (caught[name] or "not seen") if name in caught else "-"


def try_one(copy: Path, mutation: Mutation, seeds: int) -> bool:
    """Break a rule, look, mend it; returns whether it was caught."""
    right = mutation.apply(copy)
    try:
        program = build(copy)
        caught = {
            name: seed_that_catches(program, TESTS[name], seeds) for name in mutation.simulations
        }
    finally:
        (copy / "cpp" / "engine" / mutation.file).write_text(right)
    columns = " ".join(f"{_shown(caught, name):>12}" for name in TESTS)
    print(f"{mutation.name:30} {columns}  {mutation.rule}", flush=True)
    return any(each is not None for each in caught.values())


def main() -> int:
    """Try the mutations that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="which; default all")
    parser.add_argument("--seeds", type=int, default=3000, help="at most; default 3000")
    options = parser.parse_args()
    unknown = set(options.names) - {each.name for each in MUTATIONS}
    if unknown:
        parser.error(f"no mutation {', '.join(sorted(unknown))}; see tests/mutations/rules.py")
    chosen = [each for each in MUTATIONS if not options.names or each.name in options.names]
    began = time.monotonic()
    print(f"{'caught by seed, of':30} " + " ".join(f"{name:>12}" for name in TESTS))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        prepare(copy)
        missed = [each.name for each in chosen if not try_one(copy, each, options.seeds)]
    print(f"{len(chosen) - len(missed)} of {len(chosen)} caught, {time.monotonic() - began:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
