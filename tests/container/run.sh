#!/usr/bin/env bash
# Builds the Dockerfile with buildah and has the image serve a picture: as its user, on a root file system that cannot be written, with 64 MiB of writable space at most. The two
# base images are stand-ins, made with debootstrap from this machine's own package sources and .NET, and tagged as the real ones, which are no packages of Debian.
#   tests/container/run.sh            with out/, as ./build.sh left it, in the place of the Dockerfile's first stage
#   tests/container/run.sh --whole    with the first stage too, which builds from the sources: some minutes
# Needs root and 3 GB for a while. Exit codes: 0 all passed or skipped, and says what; 1 something failed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# Of the project's issue: as a registry keeps and sends it.
limit=$((350 * 1000 * 1000))

passed=0
skip() {
  echo "skipped: $1"
  echo "container: $passed passed, 0 failed, 1 skipped"
  exit 0
}
fail() {
  echo "FAILED: $1"
  exit 1
}
pass() {
  echo "ok: $1"
  passed=$((passed + 1))
}
whole=
case "$*" in
  "") ;;
  --whole) whole=yes ;;
  *) echo "usage: tests/container/run.sh [--whole]" >&2; exit 2 ;;
esac
[[ $EUID == 0 ]] || skip "it needs root, to make images and to change into them"
for program in buildah debootstrap setpriv; do
  command -v $program > /dev/null || skip "$program is not installed: apt-get install buildah debootstrap util-linux"
done

# Everything that mounts runs in a namespace of its own: out here nothing is mounted, so that removing the folders touches nothing else.
if [[ -z ${LOUPE_CONTAINER_PLACE:-} ]]; then
  unshare --mount --propagation private true 2> /dev/null || skip "this machine lets nobody make a mount namespace"
  place=$(mktemp -d)
  trap 'rm -rf "$place"' EXIT
  status=0
  LOUPE_CONTAINER_PLACE=$place unshare --mount --propagation private "$0" "$@" || status=$?
  exit $status
fi
place=$LOUPE_CONTAINER_PLACE
server=
trap '[[ -z $server ]] || kill "$server" 2> /dev/null' EXIT

. "$here/../bare-debian/roots.sh"
machine

# Without a kernel that mounts layers and without namespaces of the user: wherever there is root.
b() { buildah --root "$place/images" --runroot "$place/running" --storage-driver vfs "$@"; }

# What the real images of ASP.NET Core have: the runtime, what it links, an unprivileged user. Kept for a week, since it takes a minute.
kept=$root/artifacts/container/$suite.tar
if [[ -z $(find "$kept" -mtime -7 2> /dev/null) ]]; then
  minimal "$place/base"
  base=$place/base
  mount -t proc proc "$base/proc"
  within() { chroot "$base" /usr/bin/env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
  within sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates libssl3 libstdc++6 tzdata && apt-get clean && rm -rf /var/lib/apt/lists/*' > "$place/base.log" 2>&1 || {
    tail -n 20 "$place/base.log"
    fail "the stand-in's packages cannot be installed"
  }
  within update-ca-certificates > /dev/null
  within useradd --create-home --uid 1654 app
  umount "$base/proc"
  cp -a "$sdk/dotnet" "$sdk/host" "$sdk/shared" "$base/usr/share/dotnet/"
  mkdir -p "$(dirname "$kept")"
  tar -C "$base" -cf "$kept.new" .
  mv "$kept.new" "$kept"
  rm -rf "$base"
fi
mkdir "$place/stand-in"
ln "$kept" "$place/stand-in/root.tar" 2> /dev/null || cp "$kept" "$place/stand-in/root.tar"
printf 'FROM scratch\nADD root.tar /\nENV APP_UID=1654 ASPNETCORE_HTTP_PORTS=8080 DOTNET_RUNNING_IN_CONTAINER=true\n' > "$place/stand-in/Dockerfile"
b bud --quiet --isolation chroot --format docker -t mcr.microsoft.com/dotnet/aspnet:10.0 "$place/stand-in" > "$place/log" 2>&1 || { tail "$place/log"; fail "no stand-in"; }
# The SDK is mounted when it is needed; how NuGet checks certificates is as on this machine.
printf 'FROM mcr.microsoft.com/dotnet/aspnet:10.0\nENV NUGET_CERT_REVOCATION_MODE=%s\n' "${NUGET_CERT_REVOCATION_MODE:-online}" > "$place/stand-in/Dockerfile"
b bud --quiet --isolation chroot --format docker --pull-never -t mcr.microsoft.com/dotnet/sdk:10.0 --ignorefile /dev/null "$place/stand-in" > "$place/log" 2>&1 || { tail "$place/log"; fail "no stand-in"; }

revision=$(git -C "$root" rev-parse HEAD)
options=(--build-arg ORT="${LoupeOrt:-cpu}" --build-arg SOURCE=https://example.org/loupe-grpc --build-arg REVISION="$revision")
if [[ $whole ]]; then
  # As it would be checked out: nothing that was built here.
  mkdir "$place/sources"
  git -C "$root" ls-files --cached --others --exclude-standard -z | (cd "$root" && tar --create --null --files-from - --ignore-failed-read) | tar --extract --directory "$place/sources"
  options+=(--volume "$sdk:/usr/share/dotnet:ro" --volume "${NUGET_PACKAGES:-$HOME/.nuget/packages}:/root/.nuget/packages")
  context=$place/sources
else
  [[ -x $root/out/server/loupe-grpc-server ]] || fail "out/ is not there: run ./build.sh first"
  mkdir -p "$place/built/src" "$place/nothing"
  cp -a "$root/out" "$place/built/src/out"
  "$root/scripts/sbom.sh" "$place/built/src/out/sbom"
  options+=(--build-context "build=$place/built")
  context=$place/nothing
fi
begin=$SECONDS
b bud --isolation chroot --format docker --pull-never --file "$root/Dockerfile" "${options[@]}" -t loupe-grpc "$context" > "$place/log" 2>&1 || {
  tail -n 40 "$place/log"
  fail "the Dockerfile does not build"
}
pass "the Dockerfile builds$([[ $whole ]] || echo " on out/") ($((SECONDS - begin)) s)"

b inspect --type image loupe-grpc > "$place/image.json"
version=$(sed -n 's|.*<Version>\(.*\)</Version>.*|\1|p' "$root/Directory.Build.props")
python3 "$here/image.py" config "$place/image.json" "$version" "$revision" || fail "the image's description"
pass "labels, user, HEALTHCHECK, addresses"

b push --quiet loupe-grpc "oci:$place/pushed" > /dev/null
python3 "$here/image.py" size "$place/pushed" "$limit" || fail "the image's size"
pass "size"

container=$(b from --pull-never loupe-grpc)
image=$(b mount "$container")
python3 "$here/image.py" sbom "$image/opt/loupe-grpc/sbom" "$version" || fail "the list of packages"
pass "the list of packages (CycloneDX)"
chroot "$image" /usr/bin/env -i PATH=/usr/bin:/bin sh -s < "$here/linked.sh" > "$place/linked" || { cat "$place/linked"; fail "libraries"; }
python3 "$here/image.py" linked "$place/linked" "$root/Dockerfile" || fail "libraries"
pass "every linked library is there, and every package of the Dockerfile is used"

# As `docker run --read-only --user … ` would have it: nothing can be written, but for one file system of 64 MiB where a run wants it.
mount --bind "$image" "$image"
mount -t proc proc "$image/proc"
mount -t tmpfs -o size=1m tmpfs "$image/dev"
for device in null zero full random urandom; do
  touch "$image/dev/$device"
  mount --bind "/dev/$device" "$image/dev/$device"
done
mount -o remount,ro "$image/dev" 2> /dev/null || true
mount -o remount,ro,bind "$image"
space() { mount -t tmpfs -o size=64m,mode=0700,uid=1654,gid=1654 tmpfs "$image$1"; }
mapfile -t environment < <(python3 "$here/image.py" environment "$place/image.json")
# contained [NAME=VALUE…] PROGRAM…
contained() { exec setpriv --no-new-privs chroot --userspec=1654:1654 "$image" /usr/bin/env -i HOME=/home/app "${environment[@]}" "$@"; }
program=/opt/loupe-grpc/server/loupe-grpc-server
(contained sh -c 'for place in / /tmp /var/tmp /home/app /var/cache/loupe-grpc /run /dev /dev/shm; do ! touch "$place/x" 2> /dev/null || exit 1; done') || fail "something in the image can be written"
pass "nothing in the image can be written"

addresses=(Loupe__Endpoints__Grpc=http://*:0 Loupe__Endpoints__Operations=http://*:0 Loupe__Endpoints__Web=off)
# start [NAME=VALUE…] -- [ARGUMENT…]: serves, and sets `grpc` and `operations`.
start() {
  local settings=()
  while [[ $1 != -- ]]; do settings+=("$1"); shift; done
  shift
  : > "$place/out"
  (contained "${addresses[@]}" "${settings[@]}" "$program" serve "$@") > "$place/out" 2> "$place/error" < /dev/null &
  server=$!
  local tries=0
  until grep -q '^ready ' "$place/out"; do
    kill -0 "$server" 2> /dev/null && ((tries++ < 600)) || { cat "$place/error"; fail "the image does not serve"; }
    sleep 0.1
  done
  read -r _ grpc operations _ < "$place/out"
  operations=${operations#operations=}
}
stop() {
  kill -TERM "$server"
  local status=0
  wait "$server" || status=$?
  server=
  ((status == 0)) || { cat "$place/error"; fail "the server ended with exit code $status"; }
}
# verdict OPTION…: of a picture with a verdict that the model's authors' program has given, too.
verdict() {
  local status=0
  "$root/out/loupe-grpc-client" analyze "$root/samples/forged-cat-in-coffee.jpg" --server "$grpc" --format jsonl "$@" > "$place/verdict" 2> "$place/said" || status=$?
  ((status == 10)) && grep -q '"verdict":"MANIPULATED"' "$place/verdict" || { cat "$place/verdict" "$place/said" "$place/error"; fail "the image's verdict (exit code $status)"; }
}

status=0
(contained "$program" serve) > "$place/said" 2>&1 || status=$?
((status == 2)) && grep -q -e --open "$place/said" || { cat "$place/said"; fail "without a word on who may come in: exit code $status"; }
pass "it does not start before it is said who may come in"

start -- --open
verdict
(contained "$program" health --server "$operations") | grep -q . || fail "health of a server that is ready"
! grep -qE 'converted|cannot be used|   at ' "$place/error" || { cat "$place/error"; fail "what it logs"; }
stop
! (contained "$program" health --server "$operations") > "$place/said" 2>&1 || fail "health of a server that is gone"
pass "it serves a picture without anything that can be written"

space /mnt
key=$(contained "$program" key add --file /mnt/keys.json --name gate | sed -n 's/^key: //p')
start Loupe__Security__Keys=/mnt/keys.json --
verdict --key "$key"
status=0
"$root/out/loupe-grpc-client" analyze "$root/samples/forged-cat-in-coffee.jpg" --server "$grpc" > /dev/null 2>&1 || status=$?
((status == 77)) || fail "without a key: exit code $status"
(contained "$program" health --server "$operations") > /dev/null || fail "health where keys are wanted"
stop
umount "$image/mnt"
pass "it serves with keys, which stand in 64 MiB of writable space"

space /mnt
space /tmp
install -d -o 1654 "$image/mnt/in"
cp "$root/samples/forged-cat-in-coffee.jpg" "$root/samples/authentic-chelsea.png" "$image/mnt/in/"
status=0
(contained "$program" analyze /mnt/in /mnt/out) > "$place/said" 2>&1 || status=$?
((status == 10)) && [[ -s $image/mnt/out/report.html && -s $image/mnt/out/overlays/forged-cat-in-coffee.png && $(wc -l < "$image/mnt/out/results.jsonl") == 2 ]] || {
  cat "$place/said"
  ls -R "$image/mnt"
  fail "analyze IN OUT: exit code $status"
}
umount "$image/tmp" "$image/mnt"
pass "it analyses a folder without a server beside it"

space /var/cache/loupe-grpc
start -- --open
verdict
grep -q converted "$place/error" || fail "an empty cache is filled"
stop
umount "$image/var/cache/loupe-grpc"
pass "an empty cache of 64 MiB is filled"

status=0
(contained Loupe__Model__CacheDirectory=/nowhere "$program" serve --open) > "$place/said" 2>&1 || status=$?
((status == 1)) && grep -q 'error: .*Loupe:Model:CacheDirectory' "$place/said" || { cat "$place/said"; fail "a cache that is neither there nor can be made: exit code $status"; }
pass "a cache that is neither there nor can be made is one sentence"

echo "container: $passed passed, 0 failed, 0 skipped"
