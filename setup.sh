#!/usr/bin/env bash
# Installs what the build needs and is missing, with --tests also what the tests need: packages of
# Debian 12 or 13, and for the tests a Kafka broker from Maven Central, Prometheus' promtool, and
# schemathesis and clang-format from PyPI; with --fuzz what libFuzzer needs, with --package what makes and judges
# Debian packages, with --root what makes a root of another release. Nothing is touched, and the
# network is not used, when all of it is there. --clang only says which clang libFuzzer is from.
set -euo pipefail

kafka_version=3.9.1
kafka=${WINDROW_KAFKA_JARS:-$HOME/.cache/windrow/kafka-$kafka_version}
promtool=$HOME/.cache/windrow/promtool/promtool
schemathesis_version=4.32.5
schemathesis=$HOME/.cache/windrow/schemathesis-$schemathesis_version
clang_format_version=14.0.6
clang_format=$HOME/.cache/windrow/clang-format-$clang_format_version

# Names that differ between releases. Another system is taken for the newest one known here.
release=$(. /etc/os-release 2>/dev/null && printf '%s' "${ID:-}${VERSION_ID:-}" || true)
case $release in
  debian12) boost=1.81 java=17 clang=16 promtool_in=prometheus named='Debian 12' ;;
  *) boost=1.83 java=21 clang=19 promtool_in=promtool named='Debian 13' ;;
esac
if [[ ${1:-} == --clang ]]; then
  printf '%s\n' "$clang"
  exit
fi

# Every package the build, the tests and the examples need, in this one place.
packages=(
  g++ make cmake ninja-build pkg-config python3
  libcaf-dev                  # actors
  libcapnp-dev capnproto      # catalog, batches and messages
  libssl-dev zlib1g-dev       # asked for by Cap'n Proto's CMake package
  liblmdb-dev                 # storage
  "libboost$boost-dev"        # HTTP
  librdkafka-dev              # Kafka sources
  prometheus-cpp-dev          # metrics
  libsimdjson-dev libabsl-dev libxxhash-dev libyaml-cpp-dev
  libcli11-dev libfmt-dev     # the command
  libgtest-dev libgmock-dev
  strace                      # the crash laboratory checks its recorder with it
  curl openssl                # clients of the tests
)
if [[ ${1:-} == --tests ]]; then
  packages+=("openjdk-$java-jre-headless")     # a Kafka broker
  packages+=(slowhttptest)                     # slow clients
  packages+=(git mandoc)                       # the version names the commit; the manual
  [[ -e $schemathesis/complete && -e $clang_format/complete ]] || packages+=(python3-venv)
  [[ -e $kafka/complete ]] || packages+=(maven)
  [[ $promtool_in == prometheus ]] || packages+=("$promtool_in")
fi
if [[ ${1:-} == --fuzz ]]; then
  # libFuzzer, sanitizers, names in reports
  packages+=("clang-$clang" "libclang-rt-$clang-dev" "llvm-$clang")
fi
if [[ ${1:-} == --package ]]; then
  packages+=(debhelper dpkg-dev lintian)
fi
if [[ ${1:-} == --root ]]; then
  packages+=(debootstrap debian-archive-keyring)
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done

give_up() {
  printf 'windrow: %s. Install these packages (names of %s) and try again:\n  %s\n' \
    "$1" "$named" "${missing[*]}" >&2
  exit 1
}

install_packages() {
  command -v apt-get >/dev/null || give_up "there is no apt-get here to install what is missing"
  local as_root=()
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || give_up "installing packages needs root and there is no sudo"
    as_root=(sudo)
  fi
  printf 'windrow: installing %s\n' "${missing[*]}" >&2
  apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@" >/dev/null
  }
  apt update ||
    printf 'windrow: the package lists could not be updated; trying with the old ones\n' >&2
  apt install -y --no-install-recommends "${missing[@]}" ||
    give_up "apt-get could not install what is missing"
}

# The broker's jars, all of them or none.
fetch_kafka() {
  printf 'windrow: fetching Kafka %s into %s\n' "$kafka_version" "$kafka" >&2
  local fresh
  mkdir -p "$(dirname "$kafka")"
  fresh=$(mktemp -d "$kafka.XXXXXX")
  if ! mvn -q -B -f "$(dirname "$0")/tests/support/kafka/pom.xml" \
      -Dkafka.version="$kafka_version" dependency:copy-dependencies \
      -DoutputDirectory="$fresh" -Dmdep.overWriteReleases=true >"$fresh/maven.log" 2>&1; then
    tail -20 "$fresh/maven.log" >&2
    rm -rf "$fresh"
    printf 'windrow: Maven could not fetch Kafka %s, which the tests need\n' "$kafka_version" >&2
    exit 1
  fi
  touch "$fresh/complete"
  rm -rf "$kafka"
  mv "$fresh" "$kafka"
}

# The package's file, here.
dpkg_of() {
  apt-get -qq -o Acquire::Retries=3 -o APT::Sandbox::User=root download "$1" >/dev/null
}

# On Debian 12 one program of the package `prometheus`, which itself is a service that starts when
# it is installed: it is unpacked, not installed. Later it is a package of its own.
fetch_promtool() {
  printf 'windrow: fetching promtool into %s\n' "$promtool" >&2
  local fresh
  fresh=$(mktemp -d)
  if ! (cd "$fresh" && dpkg_of prometheus && dpkg-deb --extract prometheus_*.deb .); then
    rm -rf "$fresh"
    printf 'windrow: apt-get could not download the package prometheus for the tests; %s\n' \
      'apt-get update may help' >&2
    exit 1
  fi
  mkdir -p "$(dirname "$promtool")"
  mv "$fresh/usr/bin/promtool" "$promtool"
  rm -rf "$fresh"
}

# fetch_python PACKAGE VERSION FOLDER: an environment of its own. Its programs hold its path, so it is
# made where it stays.
fetch_python() {
  printf 'windrow: fetching %s %s into %s\n' "$1" "$2" "$3" >&2
  rm -rf "$3"
  if ! /usr/bin/python3 -m venv "$3" || ! "$3/bin/pip" install -q "$1==$2"; then
    printf 'windrow: %s %s, which the tests need, could not be installed\n' "$1" "$2" >&2
    exit 1
  fi
  touch "$3/complete"
}

[[ ${#missing[@]} -eq 0 ]] || install_packages
if [[ ${1:-} == --tests && ! -e $kafka/complete ]]; then
  fetch_kafka
fi
if [[ ${1:-} == --tests ]] && ! command -v promtool >/dev/null && [[ ! -x $promtool ]]; then
  fetch_promtool
fi
if [[ ${1:-} == --tests && ! -e $schemathesis/complete ]]; then
  fetch_python schemathesis "$schemathesis_version" "$schemathesis"
fi
if [[ ${1:-} == --tests && ! -e $clang_format/complete ]]; then
  fetch_python clang-format "$clang_format_version" "$clang_format"
fi
