#!/usr/bin/env bash
# Proves that a wheel needs nothing of the system but the interpreter: makes a bare Debian in a
# folder by debootstrap, with no compiler, no OpenSSL and no SQLite, copies the interpreter there,
# and runs scripts/try_installed.py on the wheel. Needs root and the package debootstrap.
#
#   scripts/try_bare.sh FOLDER PYTHON WHEEL            SUITE=… names another release than bookworm
#
# PYTHON is an interpreter with a folder of its own, such as pyenv makes, or one that the Debian in
# FOLDER has already. A FOLDER that holds a Debian is used again.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

(($# == 3)) || die "usage: scripts/try_bare.sh FOLDER PYTHON WHEEL"
((EUID == 0)) || die "chroot needs root"
root=$(realpath -m "$1") python=$2 wheel=$3

[[ -x $root/usr/bin/apt-get ]] ||
  quietly "$root.log" debootstrap --variant=minbase "${SUITE:-bookworm}" "$root"

prefix='' run=("$python")
if command -v "$python" >/dev/null; then
  prefix=$("$python" -c 'import os, sys; print(os.path.realpath(sys.base_prefix))')
else
  run=(chroot "$root" "$python")
fi
if [[ -n $prefix && $prefix != /usr ]]; then
  mkdir -p "$root$prefix"
  cp -rT "$prefix" "$root$prefix"
fi

# The packages are put there from outside: pip would need more of the system. In an environment, for
# a Debian's own interpreter may lack it.
outside=$PWD/.cache/try-bare
ensure_environment "$root.pip.log" "$outside"
rm -rf "$root/opt/cppwax"
mkdir -p "$root/opt/cppwax"
version=$("${run[@]}" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
tags=${wheel%.whl}
mapfile -t platforms < <(tr . '\n' <<<"${tags##*-}")
quietly "$root.pip.log" "$outside/bin/python" -m pip install --target "$root/opt/cppwax/packages" \
  --only-binary :all: --implementation cp --python-version "$version" \
  --abi "$(cut -d- -f4 <<<"${wheel##*/}")" --abi abi3 --abi none \
  "${platforms[@]/#/--platform=}" --platform "manylinux2014_$(uname -m)" --platform any \
  "$wheel"
cp scripts/try_installed.py "$root/opt/cppwax/"

# shellcheck disable=SC2016
unshare --mount --pid --fork --kill-child bash -c '
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  exec chroot "$@"
' bash "$root" /usr/bin/env -i PATH=/usr/bin:/bin LANG=C.UTF-8 PYTHONPATH=/opt/cppwax/packages \
  "$python" /opt/cppwax/try_installed.py
