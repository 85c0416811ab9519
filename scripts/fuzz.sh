#!/usr/bin/env bash
# Searches with libFuzzer for bytes that the decoders of the wire format do not survive.
#
#   scripts/fuzz.sh [SECONDS]     for each target (default 60)
#
# A finding is written to build/fuzz/TARGET/ and told; put its bytes, as `xxd -p -c0 FILE`, into
# tests/cpp/fuzz/corpus/TARGET.hex once it is mended: from then on it is a test.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

seconds=${1:-60}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || die "usage: scripts/fuzz.sh [SECONDS]"

# The newest Clang that has libFuzzer; version 14 and older cannot build the engine.
find_clang() {
  local clang
  for clang in clang++ clang++-{21,20,19,18,17,16}; do
    command -v "$clang" >/dev/null || continue
    echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
      "$clang" -std=c++20 -fsanitize=fuzzer,address -x c++ -o /dev/null - 2>/dev/null || continue
    echo "$clang"
    return
  done
}

clang=$(find_clang)
[[ -n $clang ]] || die "fuzzing needs Clang 16 or newer with its runtime library:" \
  "apt-get install --no-install-recommends clang-16 libclang-rt-16-dev"

cmake --preset fuzz -DCMAKE_CXX_COMPILER="$clang" >/dev/null
targets=(frames hello)
cmake --build --preset fuzz --target "${targets[@]/%/_fuzz}" "${targets[@]/%/_replay}"

for target in "${targets[@]}"; do
  heading "$target"
  programs=build/fuzz/tests/cpp/fuzz
  folder=build/fuzz/$target
  mkdir -p "$folder/inputs"
  "$programs/${target}_replay" "tests/cpp/fuzz/corpus/$target.hex" "$folder/inputs"
  "$programs/${target}_fuzz" -max_total_time="$seconds" -max_len=40000 -timeout=10 \
    -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$folder/" "$folder/inputs" \
    2>"$folder/log" || {
    tail -n 40 "$folder/log" >&2
    die "$target: a finding; its input lies in $folder"
  }
  grep -E 'stat::|DONE' "$folder/log"
done
