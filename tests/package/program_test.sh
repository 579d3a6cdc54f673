#!/usr/bin/env bash
# Usage: program_test.sh PROGRAM ON|OFF: an installed program, and whether it comes with LibTorch.
set -euo pipefail
"$1" --version
status=0
output=$("$1" train --help 2>&1) || status=$?
if [[ $2 == ON ]]; then
  ((status == 0)) && grep -q 'torchkeep train' <<<"$output"
else
  ((status == 3)) && grep -q 'needs LibTorch' <<<"$output"
fi || { echo "train --help: status $status: $output"; exit 1; }
