#!/usr/bin/env bash
# The C++ sample in each README is examples/readme.cpp, which is compiled and run.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.."
for readme in README.md README.ko.md; do
  awk '/^```cpp$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$readme" |
    diff --label "$readme" --label examples/readme.cpp -u - examples/readme.cpp
done
