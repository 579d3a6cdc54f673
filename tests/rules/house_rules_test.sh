#!/usr/bin/env bash
# Each house rule finds its violation, and finds nothing in a tree without one.
set -euo pipefail
rules=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/house_rules.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

# fresh: a small tree that keeps all rules.
fresh() {
  rm -rf "${tree:?}"/*
  mkdir -p "$tree"/{include/torchkeep,src/{base,data,nn},tests}
  cat >"$tree/include/torchkeep/torchkeep.h" <<'END'
#include <torchkeep/value.h>
#ifdef TORCHKEEP_WITH_TORCH
#include <torchkeep/module.h>
#endif
END
  echo 'torchkeep.h value.h module.h' >"$tree/include/CMakeLists.txt"
  echo '// as torch::load returns it; see TORCH_VERSION' >"$tree/include/torchkeep/value.h"
  echo '#include "base/fail.h"' >"$tree/src/data/value.cpp"
  echo '#include <torch/nn/module.h>' >"$tree/src/nn/module.cpp"
  printf 'namespace torch {\nclass A;\n}\nnamespace torchkeep {\n}  // namespace torchkeep\n' \
    >"$tree/include/torchkeep/module.h"
}

expect_clean() {
  if ! bash "$rules" "$tree"; then
    echo "FAILED: violations in a clean tree"
    failures=$((failures + 1))
  fi
}

# expect RULE FILE LINE: adding the line to the file breaks the rule.
expect() {
  fresh
  mkdir -p "$(dirname "$tree/$2")"
  printf '%b\n' "$3" >>"$tree/$2"
  local output status=0
  output=$(bash "$rules" "$tree") || status=$?
  if ((status != 1)) || ! grep -q "^$1" <<<"$output"; then
    echo "FAILED: '$3' in $2 should break the rule '$1' (status $status): $output"
    failures=$((failures + 1))
  fi
}

fresh
expect_clean
expect "layer data includes" src/data/value.cpp '#include "nn/module.h"'
expect "unknown layer" src/utils/a.cpp ''
expect "public header missing" include/torchkeep/extra.h ''
expect "public header includes a private one" include/torchkeep/value.h '#include "base/fail.h"'
expect "core names LibTorch" include/torchkeep/value.h 'at::Tensor a;'
expect "core names LibTorch" src/data/value.cpp '#include <ATen/core/Tensor.h>'
expect "core includes a header of the bridge" src/data/value.cpp '#include <torchkeep/module.h>'
expect "public header includes <torch/" include/torchkeep/module.h '#include <torch/nn.h>'
expect "#if about LibTorch" src/nn/module.cpp '#if TORCH_VERSION_MAJOR > 1'
expect "namespace hides" src/nn/module.cpp 'namespace torchkeep {\nnamespace torch {'
expect "namespace hides" src/nn/module.cpp 'namespace torchkeep::torch {'
expect "library prints" src/nn/module.cpp 'std::cout << 1;'
expect "library prints" src/nn/module.cpp 'printf("1");'
expect "library prints" src/nn/module.cpp '  exit(1);'
expect "file over 500 lines" tests/long.cpp "$(printf '%0.s\\n' {1..501})"
expect "unfinished" tests/a.cpp '// TODO: more'
expect "using namespace" tests/a.cpp 'using namespace std;'
((failures == 0)) || exit 1
echo "all rules find their violations"
