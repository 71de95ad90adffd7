#!/usr/bin/env bash
# Real flights become windowed features: reads flights.ndjson into a folder, shows the ten busiest
# airports as of one time, and takes one of the values apart.
#
#   demo.sh [path to windrow] [folder to keep the data in; a temporary one if left out]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
windrow=${1:-"$here/../../build/release/windrow"}
now=2001-03-29T21:10:00Z

if [[ $# -ge 2 ]]; then
  data=$2
else
  data=$(mktemp -d)
  trap 'rm -rf "$data"' EXIT
fi

heading() { printf '\n\033[1m%s\033[0m\n' "$1"; }
[[ -t 1 ]] || heading() { printf '\n%s\n' "$1"; }

heading "10,000 departures, January to March 2001, through one stream resolver"
"$windrow" run "$here/features.yaml" --data "$data/node" --once

# Every airport is asked for once, as JSON; the ten busiest of the week are shown as a table.
mapfile -t airports < <(sed 's/.*"origin":"\([A-Z]*\)".*/\1/' "$here/flights.ndjson" | sort -u)
mapfile -t busiest < <("$windrow" query --data "$data/node" --now "$now" \
  "${airports[@]/#/--entity=Airport=}" --feature 'departures["7d"]' --json |
  python3 "$here/busiest.py" 10)

heading "The ten busiest airports as of $now"
"$windrow" query --data "$data/node" --now "$now" "${busiest[@]/#/--entity=Airport=}" \
  --feature 'departures["1h"]' --feature 'departures["1d"]' --feature 'departures["7d"]' \
  --feature 'mean_delay["7d"]' --feature 'max_delay["7d"]' --feature 'std_delay["7d"]' \
  --feature 'late_departures["7d"]' --feature 'destinations["7d"]'

heading "What ATL's mean delay of the last day is made of"
"$windrow" explain --data "$data/node" --now "$now" \
  --entity Airport=ATL --feature 'mean_delay["1d"]'
