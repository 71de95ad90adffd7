# What package_test.sh runs in the root, as its root: in_package_root.sh VERSION.
set -euo pipefail
install() {
  apt-get -qq -o Acquire::Retries=3 install -y --no-install-recommends "$@" >/dev/null 2>&1 ||
    apt-get install -y --no-install-recommends "$@"  # again, with what it says
}
# expect WHAT WANTED GOT
expect() {
  [[ $2 == "$3" ]] || {
    printf 'windrow: %s: wanted %q, got %q\n' "$1" "$2" "$3" >&2
    exit 1
  }
}
cd /root

# The program, alone.
install /packages/windrow_*.deb
expect 'the version' "windrow $1" "$(windrow --version)"
windrow run transactions/features.yaml --data state --once
windrow inspect --data state --verify
expect 'the user' windrow "$(getent passwd windrow | cut -d: -f1)"
expect 'the service is for the administrator to start' '' \
  "$(find /etc/systemd -name 'windrow*' 2>/dev/null || true)"

# The service: systemd knows every line of it, and what it starts is there.
install systemd man-db bash-completion
systemd-analyze verify windrow.service
for command in $(windrow --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
  expect "the manual of $command" "/usr/share/man/man1/windrow-$command.1.gz" \
    "$(man -w "windrow-$command")"
done
expect 'the completion' reader "$(bash -ic '
  . /usr/share/bash-completion/bash_completion
  _load_comp windrow 2>/dev/null || __load_completion windrow
  COMP_WORDS=(windrow token create --role rea) COMP_CWORD=4 COMP_LINE="${COMP_WORDS[*]}"
  COMP_POINT=${#COMP_LINE}
  _windrow; printf %s "${COMPREPLY[*]}"' 2>/dev/null)"

# The library, as a program finds it.
install /packages/libwindrow0.1_*.deb /packages/libwindrow-dev_*.deb g++ cmake make pkg-config
cmake -S embedded -B build >/dev/null
cmake --build build >/dev/null
ctest --test-dir build --no-tests=error
# shellcheck disable=SC2046
g++ -std=c++20 embedded/main.cpp $(pkg-config --cflags --libs windrow) -o embedded_by_hand
./embedded_by_hand embedded/features.yaml by_hand >/dev/null

apt-get -qq purge -y windrow libwindrow-dev libwindrow0.1 >/dev/null
# man-db keeps what it has rendered; the rest of what is named after it is the package's.
expect 'what is left of it' '' "$(find / -xdev \( -path /root -o -path /packages -o -path /proc \
  -o -path /sys -o -path /var/cache/man \) -prune -o -name '*windrow*' -print)"
