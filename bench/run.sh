#!/usr/bin/env bash
# Runs the benchmarks that are built in build/bin, and compares them with Python's torch.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

bin=build/bin
if [[ ! -x $bin/torchkeep_bench ]]; then
  echo "bench/run.sh: $bin/torchkeep_bench is not built; run ./dev bench" >&2
  exit 1
fi
"$bin/torchkeep_bench"
"$bin/torchkeep_checkpoint_bench"
if [[ -x $bin/torchkeep_module_bench ]]; then "$bin/torchkeep_module_bench"; fi
/usr/bin/python3 bench/save_stall.py --bin "$bin"
# Debian's torch belongs to Debian's Python, whichever comes first on PATH.
/usr/bin/python3 bench/compare_with_python.py --bin "$bin" "$@"
