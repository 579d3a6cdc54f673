#!/usr/bin/env bash
# Every system call of a load and save fails in turn. Usage: syscall_test.sh PROGRAM
# PROGRAM is torchkeep_interop_core. Skipped (77) where strace cannot trace.
# Each time the program ends by itself, the file is the old one or the whole new one, and nothing is
# left beside it.
set -euo pipefail
program=$1
if grep -q __asan_init "$program"; then
  echo "skipped: a sanitizer makes system calls of its own, which would fail, too"
  exit 77
fi

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"

if ! strace -qq -o trace true 2>/dev/null; then
  echo "skipped: strace is missing or may not trace here"
  exit 77
fi

# An archive without tensors, which the program reads and writes again.
python3 - <<'END'
import zipfile

# {"epoch": 7}
pickle = b"\x80\x02}q\x00X\x05\x00\x00\x00epochq\x01K\x07s."
with zipfile.ZipFile("in.pt", "w", zipfile.ZIP_STORED) as archive:
    archive.writestr("in/data.pkl", pickle)
    archive.writestr("in/version", "3\n")
END
mkdir out
"$program" resave in.pt out/file.pt latest
new=$(sha256sum <out/file.pt)
echo old >old
old=$(sha256sum <old)

declare -A errors=(
  [openat]="EACCES EMFILE" [write]="ENOSPC EIO EDQUOT EINTR" [pread64]="EIO EINTR"
  [fsync]="EIO ENOSPC EINTR" [rename]="EIO ENOSPC EROFS" [close]="EIO EINTR" [newfstatat]="EIO"
)
runs=0

# inject CALL ERROR NUMBER: the program's status.
inject() {
  cp old out/file.pt
  local status=0
  timeout 60 strace -f -qq -o trace -e "trace=$1" -e "inject=$1:error=$2:when=$3" \
    "$program" resave in.pt out/file.pt latest >said 2>&1 || status=$?
  runs=$((runs + 1))
  local now place="$1 number $3 with $2"
  now=$(sha256sum <out/file.pt)
  # 127: the dynamic loader could not do its work.
  if [[ ! $status =~ ^(0|3|127)$ ]]; then
    echo "$place: status $status: $(head -3 said)"
    exit 1
  elif [[ $status == 0 && $now != "$new" ]] || [[ $now != "$new" && $now != "$old" ]]; then
    echo "$place: status $status, and the file is neither the old nor the new one"
    exit 1
  elif [[ $status == 3 && ! -s said ]]; then
    echo "$place: no message"
    exit 1
  elif [[ $(ls -A out) != file.pt ]]; then
    echo "$place: left behind: $(ls -A out)"
    exit 1
  fi
}

for call in "${!errors[@]}"; do
  strace -f -qq -o trace -e "trace=$call" "$program" resave in.pt out/file.pt latest
  count=$(grep -c "$call(" trace || true)
  for error in ${errors[$call]}; do
    for ((number = 1; number <= count; number++)); do
      inject "$call" "$error" "$number"
    done
  done
done
echo "$runs system calls failed, each with a clear end"
((runs > 50))
