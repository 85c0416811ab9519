#!/usr/bin/env bash
# Builds the source distribution, a wheel from it, installs that in a new environment and runs flows
# there, outside the checkout: what a user gets must not depend on what lies around here.
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

# Of the engine nothing but the entry point is seen, so its libraries cannot meet Python's own.
exported=$(nm -D --defined-only "$folder"/venv/lib/python3*/site-packages/cppwax/_engine*.so)
[[ $exported =~ ^[0-9a-f]+\ T\ PyInit__engine$ ]] || die "the engine exports: $exported"

cp scripts/try_installed.py "$folder"
cd "$folder"
venv/bin/python try_installed.py
[[ $(venv/bin/cppwax run --help) == Usage:* ]] || die 'there is no command cppwax run'
