#!/usr/bin/env bash
# windrow as a folder of another project (add_subdirectory): subproject_test.sh FOLDER [JOBS]. A whole
# build of the library.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
folder=$(realpath -m "$1")

rm -rf "$folder"
cmake -S "$here/subproject" -B "$folder" -G Ninja -DWINDROW_TREE="$(realpath "$here/../..")"
cmake --build "$folder" --parallel "${2:-2}"
ctest --test-dir "$folder" --output-on-failure --no-tests=error
# The project's own files are compiled as the project says, without windrow's warnings.
python3 - "$folder/compile_commands.json" <<'END'
import json, sys
own, = (c["command"] for c in json.load(open(sys.argv[1])) if c["file"].endswith("/main.cpp"))
assert "-std=gnu++23" in own and "-Wall" not in own and "-Werror" not in own, own
END
printf 'windrow: as part of another project it builds, and its example runs\n'
