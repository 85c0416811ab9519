#!/usr/bin/env bash
# Sets up what is missing: system packages, the virtual environment .venv, an editable install of
# the package in it. Does nothing, quickly, where all is there.
#
#   scripts/setup.sh run     what ./run needs
#   scripts/setup.sh dev     also what ./test and development need; warnings are errors
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

purpose=${1:-dev}
[[ $purpose == run || $purpose == dev ]] || die "usage: scripts/setup.sh [run|dev]"
base_python=${PYTHON:-python3}
[[ -z ${PYTHON:-} ]] || command -v "$PYTHON" >/dev/null ||
  die "PYTHON=$PYTHON is no command; name a Python 3.10 or newer, or leave it out"

# --- system packages -----------------------------------------------------------------------------

has_header() { printf '#include <%s>\n' "$1" | c++ -x c++ -E - >/dev/null 2>&1; }

has_python_headers() {
  "$base_python" - 2>/dev/null <<'PY'
import os, sysconfig
raise SystemExit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))
PY
}

# Asks for abilities rather than for packages, so that other systems than Debian can do the same.
missing_packages() {
  command -v c++ >/dev/null || echo g++
  command -v cmake >/dev/null || echo cmake
  command -v ninja >/dev/null || echo ninja-build
  has_header xxhash.h || echo libxxhash-dev
  has_header asio.hpp || echo libasio-dev
  has_header openssl/ssl.h || echo libssl-dev
  has_header sqlite3.h || echo libsqlite3-dev
  command -v "$base_python" >/dev/null || echo python3
  "$base_python" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
  has_python_headers || echo python3-dev
  if [[ $purpose == dev ]]; then
    command -v ccache >/dev/null || echo ccache
    command -v openssl >/dev/null || echo openssl
    # For the services that tests of connectors start.
    command -v redis-server >/dev/null || echo redis-server
    ! command -v apt-get >/dev/null || command -v influxd >/dev/null || echo influxdb
    # For the Kafka broker that tests start.
    command -v java >/dev/null || echo default-jre-headless
    command -v mvn >/dev/null || echo maven
    # For tests of the live page.
    command -v chromium >/dev/null || echo chromium
    command -v chromedriver >/dev/null || echo chromium-driver
    has_header gtest/gtest.h || echo libgtest-dev
    has_header gmock/gmock.h || echo libgmock-dev
  fi
}

install_packages() {
  local as_root=()
  if ! command -v apt-get >/dev/null; then
    die "this system has no apt-get; install what Debian calls: $*"
  fi
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "install these packages as root, then try again:" \
      "apt-get install --no-install-recommends $*"
    as_root=(sudo)
  fi
  note "installing system packages: $*"
  mkdir -p .cache
  # One broken source among many must not stop an install that does not need it.
  "${as_root[@]}" apt-get update >.cache/apt-update.log 2>&1 ||
    note "apt-get update failed (see .cache/apt-update.log); trying the install all the same"
  local package known=()
  for package; do
    # Not every release has this one; its tests are skipped then.
    if [[ $package != influxdb ]] || apt-cache show influxdb >/dev/null 2>&1; then
      known+=("$package")
    fi
  done
  ((${#known[@]} == 0)) || quietly .cache/apt.log "${as_root[@]}" env \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${known[@]}"
  # Tests start servers of their own; those of the system would listen from now on, and
  # InfluxDB's to everybody.
  command -v systemctl >/dev/null || return 0
  for package in influxdb redis-server; do
    [[ " ${known[*]} " != *" $package "* ]] ||
      "${as_root[@]}" systemctl disable --now "$package" >>.cache/apt.log 2>&1 || true
  done
}

check_python() {
  "$base_python" -c 'import sys; raise SystemExit(sys.version_info < (3, 10))' ||
    die "$("$base_python" --version) is too old: cppwax needs Python 3.10 or newer;" \
      "name one with PYTHON=/path/to/python3"
}

# --- the virtual environment ---------------------------------------------------------------------

# All that an editable install depends on. Python and C++ files are missing on purpose: the install
# points at the former and compiles the latter anew when the engine is imported.
install_key() {
  {
    echo "$PWD $1"
    "$base_python" -c 'import sys; print(sys.version, sys.base_prefix)'
    cat pyproject.toml scripts/setup.sh tests/connector_packages.txt
  } | sha256sum
}

has_install() {
  [[ -x $python && -f $venv/cppwax-$1 && $(install_key "$1") == "$(<"$venv/cppwax-$1")" ]]
}

install_package() {
  local target=. warnings_are_errors=OFF unity_build=ON
  if [[ $purpose == dev ]]; then
    # One by one, a changed file is compiled alone, and one that lacks an include does not compile.
    target='.[dev]' warnings_are_errors=ON unity_build=OFF
  fi
  note "installing the package into .venv (compiles the engine: a minute or two)"
  # A stamp of the other purpose would vouch for an install that this one replaces.
  rm -f "$venv"/cppwax-*
  if [[ ! -x $python ]] || ! "$python" -c 'import pip' 2>/dev/null; then
    quietly .cache/venv.log "$base_python" -m venv --clear "$venv"
  fi
  install_pinned .cache/pip.log "$python" scikit-build-core pybind11
  # Without build isolation, because rebuilding at import needs the build tools to stay.
  quietly .cache/pip.log "$python" -m pip install --no-build-isolation \
    --config-settings=editable.rebuild=true \
    --config-settings=cmake.define.CPPWAX_WERROR=$warnings_are_errors \
    --config-settings=cmake.define.CMAKE_UNITY_BUILD=$unity_build -e "$target"
  if [[ $purpose == dev ]]; then
    # Without what they ask for: the file tells why.
    quietly .cache/pip.log "$python" -m pip install --no-deps --ignore-requires-python \
      -r tests/connector_packages.txt
    # Now, so that tests need no network from then on.
    "$python" -c 'from scripts.kafka_broker import fetch; fetch()' >.cache/kafka.log 2>&1 ||
      note "the Kafka broker that tests start cannot be had: $(tail -n 1 .cache/kafka.log)"
  fi
  install_key "$purpose" >"$venv/cppwax-$purpose"
}

if has_install "$purpose" || { [[ $purpose == run ]] && has_install dev; }; then
  exit 0
fi
mapfile -t packages < <(missing_packages)
((${#packages[@]} == 0)) || install_packages "${packages[@]}"
check_python
install_package
