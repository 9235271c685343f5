#!/usr/bin/env bash
# The unit of deploy/systemd under a running systemd: a Debian with nothing but systemd, the SDK and what the Dockerfile installs is booted by systemd-nspawn.
# Needs root, `out/` (./build.sh) and some 2 GB for a while; takes some minutes.
# Exit codes: 0 all passed or skipped, and says what; 1 something failed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

passed=0
skip() {
  echo "skipped: $1"
  echo "systemd: $passed passed, 1 skipped"
  exit 0
}
[[ $EUID == 0 ]] || skip "it needs root, to boot a system of its own"
command -v debootstrap > /dev/null || skip "debootstrap is not installed: apt-get install debootstrap"
command -v systemd-nspawn > /dev/null || skip "systemd-nspawn is not installed: apt-get install systemd-container"

. "$here/../bare-debian/roots.sh"
machine
place=$(mktemp -d)
new=$place/system
nspawn=
stop() {
  [[ -z $nspawn ]] || { kill -TERM "$nspawn"; sleep 0.5; kill -TERM "$nspawn"; wait "$nspawn"; } 2> /dev/null || true
  rm -rf --one-file-system "$place"
}
trap stop EXIT

minimal "$new"
packages=$(grep -oE 'apt-get install [^&\\]*' "$root/Dockerfile" | grep -oE '\blib[a-z0-9.+-]+\b')
chroot "$new" env DEBIAN_FRONTEND=noninteractive sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends \
  systemd systemd-sysv dbus curl libssl3 $(tr '\n' ' ' <<< "$packages")" > "$place/log" 2>&1 || { tail -n 20 "$place/log"; echo "FAILED: packages"; exit 1; }
mkdir -p "$new/opt/loupe-grpc" "$new/etc/loupe-grpc"
cp -a "$root/out/." "$new/opt/loupe-grpc/"
cp "$root/deploy/systemd/loupe-grpc.service" "$new/etc/systemd/system/"
cp "$root/samples/authentic-coffee.jpg" "$new/root/"

systemd-nspawn --quiet --directory "$new" --boot --register=no --keep-unit --private-network --console=pipe --bind-ro="$sdk:/usr/share/dotnet" \
  < /dev/null > "$place/console" 2>&1 &
nspawn=$!

# within COMMAND…: in the system that was booted.
within() {
  local init
  init=$(pgrep -P "$nspawn" -x systemd) || return 1
  nsenter --target "$init" --mount --pid --uts --ipc --net --root --wd env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root "$@"
}

# until SECONDS COMMAND…
until_holds() {
  local limit=$((SECONDS + $1))
  shift
  until "$@" > /dev/null 2>&1; do
    ((SECONDS < limit)) || return 1
    sleep 0.5
  done
}

check() {
  local what=$1
  shift
  if ! "$@"; then
    echo "FAILED: $what"
    within journalctl --no-pager --unit loupe-grpc --lines 30 || cat "$place/console"
    exit 1
  fi
  passed=$((passed + 1))
}

property() { within systemctl show loupe-grpc --property "$1" --value; }
is() { [[ $(property "$1") == "$2" ]]; }
answers() { [[ $(within curl -s -o /dev/null -w '%{http_code}' "${@:2}" -F file=@/root/authentic-coffee.jpg http://127.0.0.1:5007/v1/analyze) == "$1" ]]; }
says() { within journalctl --no-pager --unit loupe-grpc --output cat | grep -F "$1"; }
decoders() { [[ $(within pgrep -c loupe_decoder) == "$1" ]]; }

check "the system runs" until_holds 60 within systemctl is-system-running
key=$(within /opt/loupe-grpc/loupe-grpc-server key add --file /etc/loupe-grpc/keys.json --name gate | sed -n 's/^key: //p')
check "it starts" within systemctl start loupe-grpc
check "it says that it is ready" grep -q '^ready http://127.0.0.1:5005 ' <<< "$(property StatusText)"
check "it is no user of this system" is User loupe-grpc
check "who has the key is answered" answers 200 -H "authorization: Bearer $key"
check "who has none is not" answers 401
check "it reads its settings anew" within systemctl reload loupe-grpc
check "and says so" until_holds 20 says "Settings are read anew"
check "it is active then" until_holds 20 is ActiveState active
check "it has a decoder" decoders 1
check "it can be killed" within kill -KILL "$(property MainPID)"
check "it comes back" until_holds 30 is NRestarts 1
check "and serves" until_holds 30 answers 200 -H "authorization: Bearer $key"
check "with no decoder of the one before" decoders 1
check "it stops" within systemctl stop loupe-grpc
check "as it should" is Result success
check "with nothing left behind" decoders 0
echo "systemd: $passed passed"
