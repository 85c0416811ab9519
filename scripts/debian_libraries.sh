#!/usr/bin/env bash
# Unpacks Debian packages of an architecture, with what they depend on, into a folder, without
# installing anything: libraries to compile against. Needs a Debian with apt-get, but not root.
#
#   scripts/debian_libraries.sh ARCHITECTURE FOLDER PACKAGE…      ARCHITECTURE as in amd64, arm64
#
# A FOLDER that was made from the same packages is left as it is.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

(($# > 2)) || die "usage: scripts/debian_libraries.sh ARCHITECTURE FOLDER PACKAGE…"
command -v apt-get >/dev/null || die "this system has no apt-get, which fetches the libraries"
architecture=$1 folder=$(realpath -m "$2")
shift 2

wanted="$architecture $*"
[[ -e $folder/packages && $(<"$folder/packages") == "$wanted" ]] && exit 0
rm -rf "$folder"
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# An apt of its own: the system's may know this architecture or not, and has its packages installed.
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
touch "$work/status"
cat >"$work/apt.conf" <<CONF
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
Debug::NoLocking "true";
CONF
export APT_CONFIG=$work/apt.conf
apt-get update >"$work/update.log" 2>&1 ||
  note "apt-get update failed ($(tail -n 1 "$work/update.log")); trying all the same"
quietly "$work/download.log" apt-get install -y --download-only "$@"
for package in "$work"/cache/archives/*.deb; do
  dpkg-deb --extract "$package" "$folder"
done
echo "$wanted" >"$folder/packages"
