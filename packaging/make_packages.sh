#!/usr/bin/env bash
# Builds the Debian packages in a copy of the repository, so that nothing of it is touched:
# make_packages.sh FOLDER [JOBS]. Leaves them in FOLDER, which is made anew.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")

out=$(realpath -m "$1")
version=$(dpkg-parsechangelog -l "$here/../debian/changelog" -S Version)
rm -rf "$out"
mkdir -p "$out/windrow-$version"
tar -C "$here/.." --exclude=./build --exclude=./.git --exclude=./data -cf - . |
  tar -C "$out/windrow-$version" -xf -
cd "$out/windrow-$version"
dpkg-buildpackage --build=binary --unsigned-changes --unsigned-buildinfo --jobs="${2:-2}" \
  >"$out/build.log" 2>&1 || {
  tail -20 "$out/build.log" >&2
  printf 'windrow: the packages could not be built; all of it is in %s\n' "$out/build.log" >&2
  exit 1
}
printf '%s\n' "$out"/*.deb
