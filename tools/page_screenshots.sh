#!/usr/bin/env bash
# Shows the page of a run in headless Chromium: screenshots in light and dark, and how long it takes to draw.
#
#   tools/page_screenshots.sh OUTPUT_DIR PAGE...     # PAGE: the address of a run's page, or the file of a report
#   tools/page_screenshots.sh OUTPUT_DIR --large     # a report of 100,000 iterations, which must draw in under a second
#
# Needs chromium. --large also needs a build of Tanuki4J (TANUKI4J: the command, by default scripts/tanuki4j) and python3.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1; shift
mkdir -p "$out"
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
chromium() {
  command chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --user-data-dir="$profile" --hide-scrollbars --window-size=1400,1500 \
    "$@" 2> "$profile/log"
}

if [ "$1" = --large ]; then
  mkdir -p "$out/large"
  python3 - "$out/large/metrics.jsonl" <<'PY'
import json, math, random, sys
random.seed(1)
with open(sys.argv[1], "w") as file:
    for i in range(1, 100_001):
        noise = random.gauss(0, 0.05)
        row = {"iteration": i, "learning-rate": 3e-4 * min(1, i / 2000), "batch-size": 256,
               "lm loss": 2 + 8 * i ** -0.3 + noise + (3 if i == 54_321 else 0), "grad-norm": 0.4 + abs(noise),
               "consumed-samples": 256 * i, "consumed-tokens": 256 * 4096 * i, "iteration-time": 2 + noise,
               "throughput": 400 - 10 * noise, "tokens-per-second": 256 * 4096 / (2 + noise),
               "mem-allocated-bytes": 5e10, "mem-reserved-bytes": 6e10}
        if i % 1000 == 0:
            row["lm loss validation"] = 2.02 + 8 * i ** -0.3
        file.write(json.dumps(row) + "\n")
PY
  ${TANUKI4J:-scripts/tanuki4j} report "$out/large"
  set -- "$out/large/report.html"
fi

for page in "$@"; do
  address=$page
  [ -f "$page" ] && address="file://$(realpath "$page")"
  name=$(basename "${page%/}" .html | tr -c 'A-Za-z0-9\n' '-')
  rm -f "$out/$name-light.png" "$out/$name-dark.png"
  for theme in light dark; do
    chromium --virtual-time-budget=8000 --screenshot="$out/$name-$theme.png" "$address#$theme"
  done
  ls "$out/$name-light.png" "$out/$name-dark.png" # fails if the page could not be shown
  if [ -f "$page" ]; then # in a file, the data are there when the page has loaded
    dom=$(chromium --dump-dom "$address")
    draw=$(grep -o 'data-draw-millis="[0-9.]*' <<< "${dom::300}" | grep -o '[0-9.]*$')
    shown=$(grep -o 'data-shown-millis="[0-9.]*' <<< "${dom::300}" | grep -o '[0-9.]*$')
    echo "$page: drawn in $draw ms, shown $shown ms after the start of loading"
    [ "${draw%.*}" -lt 1000 ] || { echo "slower than a second"; exit 1; }
    { sed 's#</body>#<script>#; s#</html>##' "$page"; cat tools/page_interaction.js; echo '</script></body></html>'; } > "$profile/used.html"
    title=$(chromium --virtual-time-budget=8000 --dump-dom "file://$profile/used.html" | grep -o '<title>[^<]*')
    title=${title%%$'\n'*}
    echo "$page: ${title#<title>}"
    [[ $title == *"all right" ]] || exit 1
  fi
done
