#!/usr/bin/env bash
# Runs the tests on a wheel, in an environment of its own (.cache/wheels/tests-…), with what of the
# extra `dev` there are wheels for; what needs another package is skipped.
#
#   scripts/test_wheel.sh PYTHON WHEEL [PYTEST-ARGUMENT…]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source scripts/wheel_environment.sh

(($# > 1)) || die "usage: scripts/test_wheel.sh PYTHON WHEEL [PYTEST-ARGUMENT…]"
base_python=$1 wheel=$2
shift 2
command -v "$base_python" >/dev/null || die "$base_python is no command"
[[ -f $wheel ]] || die "there is no file $wheel"

# One for each kind of wheel: cp312-cp312.
environment=$PWD/.cache/wheels/tests-$(cut -d- -f3,4 <<<"${wheel##*/}")
python=$environment/bin/python
make_test_environment "$environment" "$base_python" "$environment.logs"
install_wheel_file "$wheel" "$environment.logs/wheel.log"
"$python" - <<'PY'
import sys
from pathlib import Path

import cppwax._engine as engine

place = Path(engine.__file__).resolve()
if not place.is_relative_to(Path(sys.prefix).resolve()):
    raise SystemExit(f"cppwax comes from {place}, not from the wheel")
print("testing", place, "on Python", sys.version.split()[0])
PY

mapfile -t ignored < <(left_out)
exec "$python" -X faulthandler -m pytest "${ignored[@]}" "$@"
