#!/usr/bin/env bash
# The Debian packages of FOLDER, judged by lintian and in a root of their own, where nothing of the
# build is: package_test.sh FOLDER. Ends with the packages purged.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
. "$here/root.sh"
folder=$(realpath "$1")
root=$folder/root
version=$(dpkg-parsechangelog -l "$here/../../debian/changelog" -S Version)

lintian --fail-on error --tag-display-limit 0 "$folder"/windrow_*.changes

make_root "$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")" "$root" bash
mkdir "$root/packages"
cp "$folder"/*.deb "$root/packages"
cp -r "$here/../../examples/embedded" "$here/../../examples/transactions" "$root/root"
cp "$here/in_package_root.sh" "$root/root"
in_root "$root" bash /root/in_package_root.sh "$version"
printf 'windrow: the packages install, work and go\n'
