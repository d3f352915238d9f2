#!/usr/bin/env bash
# Podman, for tests: `podman.sh FOLDER ARGUMENTS...` runs the host's own Debian's Podman with everything it keeps below FOLDER.
#
#   tests/bed/podman.sh /bed/p load -i image.tar
#   tests/bed/podman.sh /bed/p system service --time 0 unix:///bed/p/podman.sock
#
# Where the host has none, its packages are unpacked below $IMAGEOPT_BED (17 MB): nothing is installed. FOLDER must not lie
# on an overlay. Exit status 3: none can be had here.
set -euo pipefail

BED=${IMAGEOPT_BED:-/var/lib/imageopt-bed}
ROOT=$BED/podman
FOLDER=${1:?usage: podman.sh FOLDER ARGUMENTS...}
shift

none() { echo "podman: $*" >&2; exit 3; }

# What apt would install for it, without what it would only upgrade.
packages() {
  apt-get install -s --no-install-recommends podman | awk '$1 == "Inst" && $3 !~ /^\[/ { print $2 }'
}

unpack() {
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || none 'not installed, and only root on Debian can fetch it'
  local debs=$ROOT.debs names
  rm -rf "$ROOT" "$debs"
  mkdir -p "$ROOT" "$debs"
  mapfile -t names < <(packages)
  (cd "$debs" && { apt-get download "${names[@]}" || { apt-get update && apt-get download "${names[@]}"; }; }) \
    >"$BED/podman.log" 2>&1 || none "its packages cannot be fetched, see $BED/podman.log"
  for file in "$debs"/*.deb; do dpkg-deb -x "$file" "$ROOT"; done
  rm -rf "$debs"
  touch "$ROOT/.complete"
}

mkdir -p "$BED" "$FOLDER/home/.config/containers"
if command -v podman >/dev/null; then
  ROOT=
else
  exec 9>"$BED/podman.lock"
  flock 9
  [ -e "$ROOT/.complete" ] || unpack
  exec 9>&-
  libraries=("$ROOT"/{lib,usr/lib}/*-linux-gnu)
  LD_LIBRARY_PATH=$(IFS=:; echo "${libraries[*]}")
  export LD_LIBRARY_PATH PATH=$PATH:$ROOT/usr/bin:$ROOT/usr/sbin
fi

echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$FOLDER/home/.config/containers/policy.json"
cat >"$FOLDER/storage.conf" <<CONF
[storage]
driver = "${PODMAN_DRIVER:-overlay}"
graphroot = "$FOLDER/storage"
runroot = "$FOLDER/run"
CONF
cat >"$FOLDER/containers.conf" <<CONF
[engine]
runtime = "$(command -v runc >/dev/null && echo runc || echo crun)"
cgroup_manager = "cgroupfs"
events_logger = "file"
conmon_path = ["$ROOT/usr/bin/conmon"]
helper_binaries_dir = ["$ROOT/usr/lib/podman", "$ROOT/usr/libexec/podman"]
tmp_dir = "$FOLDER/run/libpod"
CONF
echo 'unqualified-search-registries = []' >"$FOLDER/registries.conf"
unset CONTAINER_HOST   # else it would be a client of that one
export HOME=$FOLDER/home CONTAINERS_CONF=$FOLDER/containers.conf CONTAINERS_STORAGE_CONF=$FOLDER/storage.conf
export CONTAINERS_REGISTRIES_CONF=$FOLDER/registries.conf
exec "${ROOT}/usr/bin/podman" "$@"
