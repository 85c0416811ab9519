#!/usr/bin/env bash
# Proves the README's commands on a bare Debian: makes one in a folder by debootstrap, puts a clean
# clone of the last commit in, and runs the commands there. Needs root and the package debootstrap.
#
#   scripts/chroot_test.sh FOLDER                 ./run twice (the second time quick), then ./test
#   scripts/chroot_test.sh FOLDER COMMAND…        this command, in the clone
#
# A FOLDER that already holds such a Debian is used again, with what was installed in it; the clone
# in it is always new. SUITE=… names another release than bookworm.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

(($# > 0)) || die "usage: scripts/chroot_test.sh FOLDER [COMMAND…]"
((EUID == 0)) || die "chroot needs root"
root=$(realpath -m "$1")
shift
clone=/srv/cppwax

# How this machine reaches its package sources: settings of apt and pip, names, certificates.
# The sources themselves are this machine's too where it is the same release.
machine_settings=(
  /etc/apt/apt.conf.d /etc/apt/trusted.gpg.d /etc/pip.conf
  /etc/hosts /etc/resolv.conf
  /usr/local/share/ca-certificates /etc/ssl/certs/ca-certificates.crt
)
machine_variables='^(PIP_[A-Z_]+|SSL_CERT_[A-Z]+|[A-Z]+_CA_BUNDLE|[a-z]+_proxy|[A-Z]+_PROXY)='

make_root() {
  local suite=${SUITE:-bookworm}
  note "making a bare Debian in $root"
  debootstrap --variant=minbase "$suite" "$root" >"$root.log" 2>&1 ||
    die "debootstrap failed; its output: $root.log"
  if grep -q "^VERSION_CODENAME=$suite" /etc/os-release; then
    machine_settings+=(/etc/apt/sources.list /etc/apt/sources.list.d)
    rm "$root/etc/apt/sources.list"
  fi
  local setting
  for setting in "${machine_settings[@]}"; do
    [[ -e $setting ]] || continue
    mkdir -p "$root$(dirname "$setting")"
    cp -rL "$setting" "$root$(dirname "$setting")/"
  done
}

[[ -x $root/usr/bin/apt-get ]] || make_root
rm -rf "${root:?}$clone"
git clone -q --no-local . "$root$clone"

mapfile -t variables < <(env | grep -E "$machine_variables" || true)
if (($# == 0)); then
  set -- bash -c 'time ./run && time ./run && time ./test'
fi
# A mount namespace of its own: nothing stays mounted, however this ends.
export root clone
unshare --mount --pid --fork --kill-child bash -c '
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  exec chroot "$root" "$@"
' chroot env -i "${variables[@]}" \
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" CI="${CI:-}" \
  bash -c "cd $clone && exec \"\$@\"" bash "$@"
