#!/usr/bin/env bash
# Cross-compiles the engine and its tests for 64-bit Arm, with warnings as errors, and runs these
# under an emulator. Needs a Debian with the packages g++-aarch64-linux-gnu and qemu-user-static.
#
#   scripts/aarch64_test.sh [CTEST-ARGUMENT…]        such as -R transport/
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

for command in aarch64-linux-gnu-g++ qemu-aarch64-static; do
  command -v $command >/dev/null ||
    die "there is no $command: apt-get install g++-aarch64-linux-gnu qemu-user-static"
done
scripts/debian_libraries.sh arm64 .cache/aarch64 \
  libstdc++-12-dev libasio-dev libgmock-dev libgtest-dev libsqlite3-dev libssl-dev libxxhash-dev
cmake --preset aarch64
cmake --build --preset aarch64
# The emulator is slower than a sanitizer. What a process is seen to be from outside, through /proc
# and by its name, is the emulator's.
ctest --test-dir build/aarch64 --output-on-failure --no-tests=error --timeout 600 "$@"
