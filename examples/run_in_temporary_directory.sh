#!/usr/bin/env bash
# Runs a program in a new directory and removes that afterwards.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
"$@"
