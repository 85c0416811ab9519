#!/usr/bin/env bash
# Builds the source distribution, a wheel from it, installs that in a new environment and runs a
# flow there, outside the checkout: what a user gets must not depend on what lies around here.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Without isolation: the same compiler cache and pybind11 serve this build and the editable one.
"$python" -m build --no-isolation --outdir "$folder/dist" . >"$folder/build.log" 2>&1 || {
  tail -n 60 "$folder/build.log"
  die 'the wheel does not build'
}
ls "$folder/dist"

"$python" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet "$folder"/dist/*.whl

cat >"$folder/adding.py" <<'PY'
import cppwax.operators as op
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource

flow = Dataflow("adding")
numbers = op.input("numbers", flow, TestingSource(range(3)))
plus_one = op.map("plus_one", numbers, lambda number: number + 1)
op.output("out", plus_one, StdOutSink())
PY

cd "$folder"
for command in "venv/bin/python -m cppwax.run" "venv/bin/cppwax run"; do
  output=$($command adding:flow)
  [[ $output == $'1\n2\n3' ]] || die "$command adding:flow printed: $output"
  echo "$command adding:flow: as expected"
done
