# shellcheck shell=bash
# An environment for running the tests on a wheel; sourced after common.sh, never run. The functions
# work on the environment of $python.

# Requirements of the extra `dev` that hold for the interpreter, but those for the text of the code.
requirements() {
  "$python" - <<'PY'
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement

try:
    import tomllib
except ImportError:  # before Python 3.11
    from pip._vendor import tomli as tomllib

text_tools = {"clang-format", "furo", "mypy", "ruff", "sphinx-click", "sphinx-copybutton"}
project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
for text in project["optional-dependencies"]["dev"]:
    need = Requirement(text)
    if need.name not in text_tools and (need.marker is None or need.marker.evaluate()):
        print(text.partition(";")[0].strip())
PY
}

# Without these there is nothing to be done. What others need is skipped.
is_needed() {
  [[ $1 =~ ^(build|hypothesis|pybind11|pytest|pytest-timeout|pytest-xdist|scikit-build-core)== ]]
}

# A wheel or nothing: what it takes to compile one is not looked for. Where the version that is
# pinned has none for this interpreter, another may.
install_wheel_of() {
  "$python" -m pip install --only-binary :all: "$1" ||
    "$python" -m pip install --only-binary :all: "${1%%==*}"
}

# install_requirements LOGS: what the tests want and can have; LOGS is a folder for pip's output.
install_requirements() {
  local logs=$1 all requirement log
  mkdir -p "$logs"
  mapfile -t all < <(requirements)
  ((${#all[@]} > 0)) || die "the requirements of the tests cannot be read by $python"
  if ! "$python" -m pip install --only-binary :all: "${all[@]}" >"$logs/pip.log" 2>&1; then
    for requirement in "${all[@]}"; do
      log=$logs/pip-${requirement%%[=[]*}.log
      install_wheel_of "$requirement" >"$log" 2>&1 </dev/null && continue
      ! is_needed "$requirement" || die "there is no wheel of $requirement: $log"
      note "not to be had for this interpreter: $requirement"
    done
  fi
  "$python" -m pip install --no-deps --ignore-requires-python -r tests/connector_packages.txt \
    >"$logs/pip.log" 2>&1 ||
    note "the packages of tests/connector_packages.txt are not to be had for this interpreter"
}

# make_test_environment FOLDER PYTHON LOGS: one for the tests, made anew where pyproject.toml or the
# interpreter is another than before.
make_test_environment() {
  local folder=$1 interpreter=$2 logs=$3 key
  key=$("$interpreter" -c 'import sys; print(sys.version, sys.base_prefix)')$(<pyproject.toml)
  [[ ! -f $folder/made-for || $(<"$folder/made-for") != "$key" ]] || return 0
  note "making an environment for the tests"
  quietly "$logs/venv.log" "$interpreter" -m venv --clear "$folder"
  quietly "$logs/venv.log" "$python" -m pip install --upgrade pip
  install_requirements "$logs"
  printf '%s' "$key" >"$folder/made-for"
}

# install_wheel_file WHEEL LOG: the very file, whatever was there, and what it needs.
install_wheel_file() {
  quietly "$2" "$python" -m pip install --force-reinstall --no-deps "$1"
  quietly "$2" "$python" -m pip install "$1"
}

# Options for pytest: without tests that cannot be collected because a package is missing.
left_out() {
  local each needs=(confluent_kafka:tests/python/connectors/kafka
    opentelemetry.sdk:tests/python/test_tracing.py)
  for each in "${needs[@]}"; do
    "$python" -c "import ${each%%:*}" 2>/dev/null || echo "--ignore=${each#*:}"
  done
}
