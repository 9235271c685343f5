#!/usr/bin/env bash
# ./run.sh on a Debian that has nothing but the .NET SDK, and what out/ links on one that has nothing but what the Dockerfile installs. Both roots are
# made with debootstrap from this machine's own package sources and removed afterwards. Needs root and some 4 GB for a while; takes some minutes.
#   tests/bare-debian/run.sh [--keep DIRECTORY]     keeps the roots there
# Exit codes: 0 all passed or skipped, and says what; 1 something failed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

passed=0
skip() {
  echo "skipped: $1"
  echo "bare-debian: $passed passed, 1 skipped"
  exit 0
}
[[ $EUID == 0 ]] || skip "it needs root, to make a Debian root and to change into it"
command -v debootstrap > /dev/null || skip "debootstrap is not installed: apt-get install debootstrap"

# Everything that mounts runs in a namespace of its own: out here nothing is mounted, so that removing the roots touches nothing else.
if [[ -z ${LOUPE_BARE_PLACE:-} ]]; then
  unshare --mount --propagation private true 2> /dev/null || skip "this machine lets nobody make a mount namespace"
  if [[ $# == 2 && $1 == --keep ]]; then
    mkdir -p "$2"
    place=$(cd "$2" && pwd)
  elif [[ $# -gt 0 ]]; then
    echo "usage: tests/bare-debian/run.sh [--keep DIRECTORY]" >&2
    exit 2
  else
    place=$(mktemp -d)
    trap 'rm -rf "$place"' EXIT
  fi
  status=0
  LOUPE_BARE_PLACE=$place unshare --mount --propagation private "$0" || status=$?
  exit $status
fi
place=$LOUPE_BARE_PLACE

. "$here/roots.sh"
machine

# bare NAME: a new root with the smallest Debian, this machine's sources, names, certificates and SDK.
bare() {
  local new=$place/$1
  rm -rf "$new"
  if [[ -d $place/minimal ]]; then
    cp -a "$place/minimal" "$new"
  else
    minimal "$new"
    cp -a "$new" "$place/minimal"
  fi
  mount -t proc proc "$new/proc"
  mount --rbind /dev "$new/dev"
  mount --bind -o ro "$sdk" "$new/usr/share/dotnet"
}

# within NAME COMMAND…: in that root, with nothing of this machine's environment but how NuGet checks certificates.
within() {
  local new=$place/$1
  shift
  chroot "$new" /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LANG=C.UTF-8 \
    ${LoupeOrt:+LoupeOrt="$LoupeOrt"} ${NUGET_CERT_REVOCATION_MODE:+NUGET_CERT_REVOCATION_MODE="$NUGET_CERT_REVOCATION_MODE"} "$@"
}

# linked NAME: every library and program of out/ finds all that it links.
linked() {
  local missing
  missing=$(within "$1" sh -c 'find /src/out /opt/loupe-grpc -type f \( -name "*.so" -o -perm /111 \) 2> /dev/null | while read -r file; do ldd "$file" 2> /dev/null | grep "not found" | sed "s|^|$file:|"; done')
  if [[ -n $missing ]]; then
    printf 'FAILED: libraries are missing on %s:\n%s\n' "$1" "$missing"
    exit 1
  fi
  passed=$((passed + 1))
}

check() {
  local what=$1
  shift
  if ! "$@"; then
    echo "FAILED: $what"
    exit 1
  fi
  passed=$((passed + 1))
}

echo "== ./run.sh where nothing but the SDK is installed"
bare run
mkdir "$place/run/src"
git -C "$root" ls-files --cached --others --exclude-standard -z | (cd "$root" && tar --create --null --files-from - --ignore-failed-read) | tar --extract --directory "$place/run/src"
check "./run.sh" within run /src/run.sh
check "./run.sh left no overlay" compgen -G "$place/run/src/out/demo/overlays/*" > /dev/null
check "ONNX Runtime left telemetry behind" test ! -e "$place/run/root/.cache/Microsoft"
linked run

echo "== out/ where nothing but the Dockerfile's packages is installed"
bare image
packages=$(grep -oE 'apt-get install [^&\\]*' "$root/Dockerfile" | grep -oE '\b[a-z0-9][a-z0-9.+-]+\b' | grep -vxE 'apt-get|install|y|no-install-recommends|DEBIAN_FRONTEND')
# The image of ASP.NET Core brings OpenSSL.
within image sh -c "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libssl3 $(tr '\n' ' ' <<< "$packages")" > "$place/image.log" 2>&1 || {
  tail -n 20 "$place/image.log"
  echo "FAILED: the Dockerfile's packages cannot be installed: $packages"
  exit 1
}
cp -a "$place/run/src/out" "$place/image/opt/loupe-grpc"
linked image
check "probe" within image /opt/loupe-grpc/loupe-grpc-server probe

echo "bare-debian: $passed passed"
