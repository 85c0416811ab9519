#!/usr/bin/env bash
# Tries the package on free-threaded Python, where workers run at the same time: builds a wheel for
# it, installs that in an environment of its own (.cache/free-threaded) and runs the tests there.
#
#   scripts/free_threaded.sh [test] [ARGS…]      all tests that can run there, or pytest's ARGS
#   scripts/free_threaded.sh stress [ROUNDS]     the tests in which workers meet, ROUNDS (5) times,
#                                                at other switch points each time
#   scripts/free_threaded.sh bench [ARGS…]       how fast two workers are, over one
#
# PYTHON=… names the interpreter. Without it one is compiled from Debian's source package, once:
# five minutes or so.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
source scripts/wheel_environment.sh

folder=$PWD/.cache/free-threaded
venv=$folder/venv
python=$venv/bin/python
mkdir -p "$folder"

# --- the interpreter -----------------------------------------------------------------------------

# The release of Debian whose interpreter is compiled, and its version.
suite=trixie version=3.13

# Where this machine gets Debian's packages from.
archive() {
  # shellcheck disable=SC2016  # apt's own variables
  apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }'
}

# Lets apt know the source packages of one release, in a folder, and leaves the system's lists.
apt_in() {
  mkdir -p "$1"/{lists/partial,cache/archives/partial,sources}
  cat >"$1/sources/source.sources" <<SOURCES
Types: deb-src
URIs: $(archive)
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
  cat >"$1/apt.conf" <<CONF
Dir::State::lists "$1/lists";
Dir::Cache "$1/cache";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$1/sources";
Acquire::Languages "none";
APT::Sandbox::User "root";
CONF
}

missing_packages() {
  local header
  for header in zlib.h:zlib1g-dev ffi.h:libffi-dev openssl/ssl.h:libssl-dev \
    sqlite3.h:libsqlite3-dev bzlib.h:libbz2-dev lzma.h:liblzma-dev; do
    printf '#include <%s>\n' "${header%:*}" | c++ -x c++ -E - >/dev/null 2>&1 || echo "${header#*:}"
  done
  command -v dpkg-source >/dev/null || echo dpkg-dev
  command -v make >/dev/null || echo make
}

compile_interpreter() {
  local prefix=$1 work
  command -v apt-get >/dev/null ||
    die "this system has no apt-get; name a free-threaded interpreter with PYTHON=…"
  local missing
  mapfile -t missing < <(missing_packages)
  ((${#missing[@]} == 0)) || die "compiling Python needs these packages:" \
    "apt-get install --no-install-recommends ${missing[*]}"
  note "compiling free-threaded Python $version (some five minutes, once)"
  work=$(mktemp -d)
  # shellcheck disable=SC2064  # the folder of now
  trap "rm -rf '$work'" EXIT
  apt_in "$work"
  local log=$folder/python.log
  export APT_CONFIG="$work/apt.conf"
  quietly "$log" apt-get update
  (cd "$work" && quietly "$log" apt-get source --download-only "python$version")
  unset APT_CONFIG
  tar -xf "$work"/python"$version"_*.orig.tar.xz -C "$work"
  (
    cd "$work"/Python-"$version"*/
    quietly "$log" ./configure --disable-gil --prefix="$prefix" --with-ensurepip=install
    quietly "$log" make -j"$(nproc)"
    quietly "$log" make install
  )
  rm -rf "$work"
}

is_free_threaded() {
  "$1" -c 'import sysconfig; raise SystemExit(not sysconfig.get_config_var("Py_GIL_DISABLED"))'
}

find_interpreter() {
  base_python=${PYTHON:-$folder/python/bin/python${version}t}
  if [[ -n ${PYTHON:-} ]]; then
    command -v "$PYTHON" >/dev/null || die "PYTHON=$PYTHON is no command"
  elif [[ ! -x $base_python ]]; then
    compile_interpreter "$folder/python"
  fi
  is_free_threaded "$base_python" || die "$base_python has a GIL; name a free-threaded interpreter"
}

# --- the environment -----------------------------------------------------------------------------

# The wheel as a user gets it, in the environment.
install_wheel() {
  note "building the wheel (compiles the engine: a minute or two)"
  rm -rf "$folder/dist"
  quietly "$folder/wheel.log" "$python" -m build --wheel --no-isolation --outdir "$folder/dist" .
  local wheel=("$folder"/dist/*.whl)
  install_wheel_file "${wheel[0]}" "$folder/pip.log"
  "$python" -X faulthandler -W error - <<'PY' || die "the engine turns the GIL on"
import sys
import cppwax._engine
print("cppwax with", sys.version.split("\n")[0], "- GIL:", sys._is_gil_enabled())
raise SystemExit(sys._is_gil_enabled())
PY
}

# --- what is asked for ---------------------------------------------------------------------------

# The tests in which workers meet.
meeting=(tests/python/bindings tests/python/operators tests/python/pressure tests/python/recovery
  tests/python/watch)

run_pytest() {
  local ignored
  mapfile -t ignored < <(left_out)
  # Whatever a package of others wants: here is about the engine without a lock.
  PYTHON_GIL=0 "$python" -X faulthandler -m pytest "${ignored[@]}" "$@"
}

# Workers meet at other points when the machine is busy in another way: several processes at once,
# in another order of the tests each time.
stress() {
  local rounds=${1:-5} round
  [[ $rounds =~ ^[1-9][0-9]*$ ]] || die "usage: scripts/free_threaded.sh stress [ROUNDS]"
  for ((round = 1; round <= rounds; ++round)); do
    heading "round $round of $rounds"
    run_pytest -q -n "$((2 * $(nproc)))" --hypothesis-seed="$round" "${meeting[@]}"
  done
}

command=${1:-test}
(($# == 0)) || shift
[[ $command =~ ^(test|stress|bench)$ ]] || die "usage: scripts/free_threaded.sh [test|stress|bench]"
find_interpreter
make_test_environment "$venv" "$base_python" "$folder"
install_wheel
case $command in
  test) run_pytest "$@" ;;
  stress) stress "$@" ;;
  bench) PYTHON_GIL=0 "$python" -m benchmarks "${@:-scaling_free}" ;;
esac
