#!/usr/bin/env bash
# Installs what the build needs and is missing. Debian packages only; nothing is touched, and the
# network is not used, when all of them are there.
set -euo pipefail

# Every package the build, the tests and the examples need, in this one place.
packages=(
  g++ make cmake ninja-build pkg-config python3
  libcaf-dev                  # actors
  libcapnp-dev capnproto      # catalog, batches and messages
  libssl-dev zlib1g-dev       # asked for by Cap'n Proto's CMake package
  liblmdb-dev                 # storage
  libboost1.81-dev            # HTTP
  libsimdjson-dev libabsl-dev libxxhash-dev libyaml-cpp-dev
  libcli11-dev libfmt-dev     # the command
  libgtest-dev libgmock-dev
  curl                        # a client of the tests
)

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

give_up() {
  printf 'windrow: %s. Install these packages (Debian 12 names) and try again:\n  %s\n' \
    "$1" "${missing[*]}" >&2
  exit 1
}

command -v apt-get >/dev/null || give_up "there is no apt-get here to install what is missing"
as_root=()
if [[ $(id -u) -ne 0 ]]; then
  command -v sudo >/dev/null || give_up "installing packages needs root and there is no sudo"
  as_root=(sudo)
fi

printf 'windrow: installing %s\n' "${missing[*]}" >&2
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" >/dev/null
}
apt update || printf 'windrow: the package lists could not be updated; trying with the old ones\n' >&2
apt install -y --no-install-recommends "${missing[@]}" || give_up "apt-get could not install what is missing"
