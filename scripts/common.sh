# shellcheck shell=bash
# Shared by ./run, ./test and the helpers beside this file; sourced, never run. Leaves the working
# folder at the root of the checkout.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=$PWD/.venv
python=$venv/bin/python

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
  bold='' red='' green='' plain=''
fi

heading() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s\n' "$*" >&2; }
die() {
  printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
  exit 1
}

# quietly LOG COMMAND…: shows the output of a long command only when it fails.
quietly() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  if ! "$@" >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    die "this failed: $* (all of its output: $log)"
  fi
}

# ensure_environment LOG FOLDER [PYTHON]: a virtual environment, made where there is none.
ensure_environment() {
  [[ -x $2/bin/python ]] || quietly "$1" "${3:-python3}" -m venv --clear "$2"
}

# install_pinned LOG PYTHON NAME…: packages for that interpreter, as pyproject.toml pins them.
install_pinned() {
  local log=$1 into=$2 requirements
  # Not by a process substitution, whose failure would be lost.
  requirements=$(pinned "${@:3}")
  mapfile -t requirements <<<"$requirements"
  quietly "$log" "$into" -m pip install "${requirements[@]}"
}

# pinned NAME…: the requirement of each package as pyproject.toml pins it.
pinned() {
  local name
  for name; do
    grep -oE "\"$name==[^\";]+" pyproject.toml | tr -d '"' ||
      die "pyproject.toml pins no version of $name"
  done
}
