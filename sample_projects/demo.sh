#!/usr/bin/env bash
# The whole chain on agent-buildkit: analyze, rewrite, verify, gate. Run by `make demo`, which sets imageopt up first.
#
#   sample_projects/demo.sh [FOLDER]     results go to FOLDER, .demo without it
#
# Exit status: 0 where the rewrite was proven, or where no engine could be had to prove it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PATH=$PWD/.venv/bin:$PATH
OUT=${1:-.demo}
PROJECT=$OUT/agent-buildkit

step() { printf '\n=== %s\n' "$*"; }

# Trivy's own database where it can be had, else the small one of the tests
trivy_database() {
  export TRIVY_CACHE_DIR
  TRIVY_CACHE_DIR=$(realpath "$OUT")/trivy
  [ -e "$TRIVY_CACHE_DIR/db/metadata.json" ] && return
  if curl -sS -m 4 -o /dev/null https://mirror.gcr.io/v2/ 2>/dev/null &&
    timeout 180 trivy image --quiet --download-db-only --cache-dir "$TRIVY_CACHE_DIR" 2>/dev/null; then
    return
  fi
  echo 'the vulnerability database is out of reach: the scan uses the small one that the tests are made with' >&2
  rm -rf "$TRIVY_CACHE_DIR"
  python tests/trivydb.py "$TRIVY_CACHE_DIR" >&2
}

proven() {
  trivy_database
  step "analyze: what makes the image big"
  imageopt analyze "$PROJECT" --build --format "json=$OUT/analysis.json" --format terminal
  step "rewrite: what would make it small"
  imageopt rewrite "$PROJECT" --format "json=$OUT/rewrite.json" --format terminal
  step "gate: is the image as it stands within 800 MB?"
  imageopt gate "$PROJECT" --max-unpacked 800MB --exit-code 0 --format "json=$OUT/gate.json" --format terminal
  step "verify: both versions built, run, scanned and compared"
  local verdict=0
  imageopt verify "$PROJECT" --format "json=$OUT/verification.json" --format "html=$OUT/report.html" --format terminal || verdict=$?
  [ -e "$OUT/verification.json" ] || exit "$verdict"
  step "gate: is the proven image within its budget?"
  local gate=0
  imageopt gate "$OUT/verification.json" --config "$PROJECT/imageopt.toml" || gate=$?
  summary
  exit $((verdict > gate ? verdict : gate))
}

# the table once more, at the end, where a tired person looks
summary() {
  step "results"
  printf '  %s\n' "$OUT/analysis.json" "$OUT/verification.json" "$OUT/report.html"
  python - "$OUT/verification.json" <<'PYTHON'
import json
import sys

from imageopt.units import format_bytes

result = json.load(open(sys.argv[1], encoding="utf-8"))
print(f"\n  {'':<10}{'before':>10}{'after':>10}{'saved':>10}")
for name in ("download", "unpacked", "live"):
    row = result["comparison"].get(f"{name}_bytes") or {}
    if row.get("before") is not None and row.get("after") is not None:
        before, after = row["before"], row["after"]
        print(f"  {name:<10}{format_bytes(before):>10}{format_bytes(after):>10}{1 - after / before:>10.1%}")
print(f"\nverdict: {result['verdict']}")
PYTHON
}

unproven() {
  step "analyze: a small image that ships with the repository"
  imageopt analyze oci:sample_projects/oci-image --format "json=$OUT/analysis.json" --format terminal
  step "rewrite: what would make agent-buildkit small"
  imageopt rewrite "$PROJECT"
  step "results"
  echo "  $OUT/analysis.json"
  cat <<'WORDS'

There is no Docker engine in reach, so the rewrite above was not built, not run, not scanned and not compared:
its size and its behaviour are not proven. Run `make demo` as root on Debian, or with an engine in reach.

verdict: none, nothing was built
WORDS
}

mkdir -p "$OUT"
python sample_projects/agent-buildkit/make_leftovers.py "$PROJECT"
status=0
exports=$(tests/bed/up) || status=$?
case $status in
  0) eval "$exports"; proven ;;
  3) unproven ;;
  *) exit "$status" ;;
esac
