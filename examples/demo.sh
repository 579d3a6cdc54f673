#!/usr/bin/env bash
# Shows what torchkeep is for, on real images: train, lose power, resume, choose the best checkpoint,
# transfer it to other classes with few images, and compare with training from scratch.
#
#   examples/demo.sh [DIRECTORY]
#
# Needs the built programs (build/bin/torchkeep, or $TORCHKEEP), Debian's packages jq and
# dataset-fashion-mnist. Without a directory the runs go to a temporary one, which is removed.
# Every number that is printed comes from the runs of this call.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
torchkeep=${TORCHKEEP:-$here/build/bin/torchkeep}
images_per_class=20

for needed in "$torchkeep" jq; do
  if ! command -v "$needed" > /dev/null; then
    echo "demo: $needed is missing; run ./dev demo, which builds and installs what is needed" >&2
    exit 3
  fi
done

if (($# > 0)); then
  work=$1
  mkdir -p "$work"
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
cd "$work"

section() { printf '\n== %s\n' "$*"; }
exec 3>&1 # for what a pipe should not swallow
show() {
  printf '$ torchkeep %s\n' "$*" >&3
  "$torchkeep" "$@"
}
# A training is stopped by force once it has written that many checkpoints.
checkpoints_in() { find "$1" -maxdepth 1 -name '*.pt' 2> /dev/null | wc -l; }

section "1. Train a small VGG on five classes of Fashion-MNIST, and kill it in the middle"
train=(train --model tiny_vgg --classes 0-4 --per-class 1200 --epochs 5 --batch-size 64 --lr 0.002
  --patience 3 --save-top-k 2 --seed 1 --output first
  --filename 'checkpoint_model_{epoch}_{val_loss:.4f}_{val_acc:.4f}')
printf '$ torchkeep %s &\n' "${train[*]}"
"$torchkeep" "${train[@]}" &
training=$!
while kill -0 "$training" 2> /dev/null && (($(checkpoints_in first) < 2)); do sleep 0.1; done
sleep 1
if kill -9 "$training" 2> /dev/null; then echo "  killed with kill -9 (process $training)"; fi
wait "$training" 2> /dev/null || true

section "2. Resume it: the same numbers as if nothing had happened"
show resume first

section "3. Its checkpoints, and the best of them"
show list first
show best first
best=$("$torchkeep" best first)

section "4. Transfer: five other classes, $images_per_class images of each, the backbone frozen"
few=(--classes 5-9 --per-class "$images_per_class" --validation-fraction 0.25 --epochs 40
  --batch-size 16 --patience 8 --seed 2 --save-top-k 1)
show train --from "$best" --freeze 'features.*' "${few[@]}" --lr 0.002 --output transfer --json \
  | jq '{epochs, stop_reason, trainable_parameters, parameters}'

section "5. The same net from scratch on the same images"
show train --model tiny_vgg "${few[@]}" --lr 0.002 --output scratch --json \
  | jq '{epochs, stop_reason, trainable_parameters, parameters}'

section "6. What is in the transferred checkpoint"
transferred=$("$torchkeep" best transfer)
show inspect "$transferred"

section "7. Both on the test images of the five new classes"
row() { # title, run
  local result
  result=$("$torchkeep" eval "$2" --split test --json)
  printf '  %-34s %8s %10.4f %9.2f %%\n' "$1" "$(jq -r .images <<< "$result")" \
    "$(jq -r .loss <<< "$result")" "$(jq -r '.acc * 100' <<< "$result")"
}
printf '  %-34s %8s %10s %11s\n' "" images loss accuracy
row "transfer, backbone frozen" transfer
row "from scratch" scratch
row "(first run, its own five classes)" first
