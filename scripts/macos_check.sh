#!/usr/bin/env bash
# Compiles the engine for macOS, on Linux and without linking: what is missing or different there is
# found before anybody tries. Zig's compiler has the headers of macOS. Needs a Debian with apt-get.
#
#   scripts/macos_check.sh [aarch64|x86_64]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cache=$PWD/.cache/macos
ensure_environment "$cache.log" "$cache/tools"
install_pinned "$cache.log" "$cache/tools/bin/python" libboost-headers ziglang
boost=$("$cache/tools/bin/python" -c 'import libboost_headers as b; print(b.__path__[0])')/include

# Of the libraries the headers alone are needed, which are the same there; glibc's must stay away.
architecture=$(dpkg --print-architecture)
scripts/debian_libraries.sh "$architecture" "$cache/packages" \
  libssl-dev libsqlite3-dev libxxhash-dev
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/include"
cp -r "$cache"/packages/usr/include/{openssl,sqlite3.h,xxhash.h} "$work/include/"
cp -r "$cache"/packages/usr/include/*-linux-gnu/openssl "$work/include/"

# As in a wheel, few files of many: but for the network layer, for it needs Asio.
find "$PWD/cpp/engine" -name '*.cpp' | sort | sed 's/.*/#include "&"/' >"$work/all"
grep -v /engine/transport/ "$work/all" >"$work/engine.cpp"
grep /engine/transport/ "$work/all" >"$work/transport.cpp"
for part in engine transport; do
  "$cache/tools/bin/python" -m ziglang c++ -target "${1:-aarch64}-macos" -std=c++20 -c -O1 \
    -Wall -Wextra -Wshadow -Wconversion -Werror -I cpp -isystem "$work/include" -isystem "$boost" \
    -DXXH_INLINE_ALL -DCPPWAX_BOOST_ASIO -DBOOST_ASIO_NO_DEPRECATED \
    -DBOOST_ERROR_CODE_HEADER_ONLY -DBOOST_ASIO_HAS_CO_AWAIT -DBOOST_ASIO_HAS_STD_COROUTINE \
    -o "$work/$part.o" "$work/$part.cpp"
  note "macOS: the part $part compiles"
done
