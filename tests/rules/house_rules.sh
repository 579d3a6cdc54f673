#!/usr/bin/env bash
# The rules of the house that a compiler does not know. Usage: house_rules.sh [ROOT]
# Prints each violation as file:line: text and exits with 1 if there are any.
set -euo pipefail
cd "${1:-$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../..}"

# What a layer may include besides itself. The first five are the core, without LibTorch.
declare -A may_include=(
  [base]=""
  [io]="base"
  [data]="base io"
  [format]="base io data"
  [inspect]="base io data format"
  [hub]="base io"
  [nn]="base io data format"
  [models]="base io data format hub nn"
  [vision]="base io data format nn"
  [train]="base io data format hub nn models vision"
  [cli]="base io data format inspect hub nn models vision train"
)
core_layers=(base io data format inspect)

violations=0

# report RULE: each line of standard input is a violation of it.
report() {
  local line
  while IFS= read -r line; do
    [[ -n $line ]] || continue
    printf '%s: %s\n' "$1" "$line"
    violations=$((violations + 1))
  done
}

# sources FOLDER...: the C++ files in the folders that exist.
sources() {
  local folder
  for folder in "$@"; do
    if [[ -d $folder ]]; then find "$folder" -name '*.h' -o -name '*.cpp'; fi
  done | sort
}

headers() { sources "$@" | grep '\.h$' || true; }

# matches PATTERN: of the files named on standard input, the lines whose code matches; comments and
# strings do not count.
matches() {
  local file
  while IFS= read -r file; do
    sed -E '/^#include/!s:"([^"\\]|\\.)*":"":g; s://.*$::' "$file" | { grep -nP "$1" || true; } | sed "s:^:$file\::"
  done
}

# The headers that torchkeep.h includes only for those who have LibTorch.
bridge_headers() {
  sed -n '/ifdef TORCHKEEP_WITH_TORCH/,/endif/s:.*<torchkeep/\(.*\)\.h>.*:\1:p' \
    include/torchkeep/torchkeep.h
}
core_headers() { headers include | grep -vE "/($(bridge_headers | paste -sd'|'))\.h$" || true; }

check_layers() {
  local folder layer allowed header
  for folder in src/*/; do
    layer=$(basename "$folder")
    if [[ ! -v may_include[$layer] ]]; then
      report "unknown layer" <<<"$folder"
      continue
    fi
    allowed="$layer ${may_include[$layer]}"
    sources "$folder" | matches "#include \"(?!(${allowed// /|})/)" |
      report "layer $layer includes what it may not"
  done
  for header in include/torchkeep/*.h; do
    grep -qsw "$(basename "$header")" include/CMakeLists.txt || echo "$header"
  done | report "public header missing in include/CMakeLists.txt"
  headers include | matches '#include "' | report "public header includes a private one"
}

check_libtorch_stays_out_of_the_core() {
  local folders=("${core_layers[@]/#/src/}") bridge
  bridge=$(bridge_headers | paste -sd'|')
  { sources "${folders[@]}"; core_headers; } |
    matches '#include <(torch|ATen|c10)/|\b(torch|at|c10)::' | report "core names LibTorch"
  { sources "${folders[@]}"; core_headers | grep -v '/torchkeep\.h$'; } |
    matches "#include <torchkeep/($bridge)\.h>" | report "core includes a header of the bridge"
  headers include | matches '#include <torch/' | report "public header includes <torch/...>"
  sources include src | grep -v '^src/nn/libtorch_version\.h$' |
    matches '^\s*#\s*(if|elif).*TORCH_VERSION' | report "#if about LibTorch outside libtorch_version.h"
}

check_nested_namespace_torch() {
  sources include src | while IFS= read -r file; do
    awk -v file="$file" '
      /^namespace torchkeep[ :]/ { inside = 1 }
      /^}  \/\/ namespace torchkeep/ { inside = 0 }
      /namespace torchkeep::(torch|at|c10)([^a-z0-9_]|$)/ || (inside && /^ *namespace (torch|at|c10)([^a-z0-9_]|$)/) {
        print file ":" NR ": " $0
      }' "$file"
  done | report "namespace hides LibTorch's"
}

check_libraries_are_quiet() {
  sources src include | grep -v '^src/cli/' |
    matches 'std::(cout|cerr|clog|abort|exit|quick_exit|terminate)\b|\bfmt::print\b|(?<![\w.>:])(printf|fprintf|puts|perror|abort|exit|_exit)\(' |
    report "library prints, aborts or exits"
}

check_text() {
  local file lines
  sources include src tests examples bench fuzz | while IFS= read -r file; do
    lines=$(wc -l <"$file")
    ((lines <= 500)) || echo "$file: $lines lines"
  done | report "file over 500 lines"
  sources include src tests examples bench fuzz | xargs -r grep -nHwE 'TODO|FIXME|XXX' |
    report "unfinished" || true
  sources include src tests examples bench fuzz | matches '^\s*using namespace (?!std::\w*literals;)' | report "using namespace"
}

# In this shell, not in a pipeline's subshell, so that the violations are counted.
shopt -s lastpipe
check_layers
check_libtorch_stays_out_of_the_core
check_nested_namespace_torch
check_libraries_are_quiet
check_text
if ((violations)); then
  echo "$violations violations of the house rules"
  exit 1
fi
