# Roots of their own: a Debian system in a folder, made with debootstrap from the mirror and with
# the keys that this machine's apt uses. To be sourced. Needs root; what is mounted is seen by the
# commands in the root alone, and gone with them.

# give_up SENTENCE
give_up() {
  printf 'windrow: %s\n' "$1" >&2
  exit 1
}

# make_root RELEASE FOLDER PACKAGES: a minimal system with these packages (commas between them).
make_root() {
  local release=$1 folder=$2 packages=$3 site entry keyring
  [[ $(id -u) -eq 0 ]] || give_up "a root of its own is made and entered by root"
  read -r site entry < <(apt-get indextargets \
      --format '$(SITE) $(SOURCESENTRY) $(LABEL) $(COMPONENT)' 'Created-By: Packages' |
    awk '$3 == "Debian" && $4 == "main" {print $1, $2; exit}') ||
    give_up "apt has no mirror of Debian here; there is nothing to make a root of"
  keyring=$(grep -io 'signed-by[:=] *[^] ]*\.gpg' "${entry%:*}" | sed -n '1s/^[^/]*//p') || true
  : "${keyring:=/usr/share/keyrings/debian-archive-keyring.gpg}"

  rm -rf "$folder"
  mkdir -p "$folder"
  local proxies
  proxies=$(apt-config dump | grep -E '^Acquire::https?::Proxy' || true)
  http_proxy=$(sed -n 's/^Acquire::http::Proxy "\(.*\)";$/\1/p' <<<"$proxies") \
    debootstrap --variant=minbase --keyring="$keyring" --include="ca-certificates,$packages" \
      "$release" "$folder" "$site" >"$folder.log" 2>&1 ||
    give_up "debootstrap of $release failed: $(tail -1 "$folder.log") (all of it: $folder.log)"
  printf '%s\n' "$proxies" >"$folder/etc/apt/apt.conf.d/00proxy"
  # What this machine trusts beyond Debian's own authorities.
  find /usr/local/share/ca-certificates -name '*.crt' -exec \
    cp -t "$folder/usr/local/share/ca-certificates" {} + 2>/dev/null || true
  in_root "$folder" update-ca-certificates >>"$folder.log" 2>&1
  in_root "$folder" apt-get -qq update
}

# in_root FOLDER COMMAND...: in the root, as its root, with processes and mounts of its own.
in_root() {
  local folder=$1
  shift
  cp --remove-destination --dereference /etc/resolv.conf "$folder/etc/resolv.conf"
  ROOT=$folder unshare --mount --pid --fork --kill-child bash -c '
    set -e
    mount -t proc proc "$ROOT/proc"
    mount -t sysfs sys "$ROOT/sys"
    mount --rbind /dev "$ROOT/dev"
    exec chroot "$ROOT" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \
      HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"' - "$@"
}

# copy_tree FROM TO: the repository without what it was built into.
copy_tree() {
  mkdir -p "$2"
  tar -C "$1" --exclude=./build --exclude=./.git --exclude=./data -cf - . | tar -C "$2" -xf -
}
