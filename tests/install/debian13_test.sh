#!/usr/bin/env bash
# `make demo` and `make test` on Debian 13, in a root of its own: debian13_test.sh FOLDER [JOBS
# [TEST_JOBS]]. The root is made anew each time; what the tests fetch is taken from this machine's
# cache if it is there and does not depend on the release.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/root.sh"

root=$(realpath -m "$1")
make_root trixie "$root" make
copy_tree "$here/../.." "$root/root/windrow"
for fetched in "$HOME"/.cache/windrow/kafka-*; do
  [[ -e $fetched/complete ]] || continue
  mkdir -p "$root/root/.cache/windrow"
  cp -r "$fetched" "$root/root/.cache/windrow"
done
in_root "$root" make -C /root/windrow --no-print-directory demo JOBS="${2:-2}"
in_root "$root" make -C /root/windrow --no-print-directory test JOBS="${2:-2}" TEST_JOBS="${3:-2}"
