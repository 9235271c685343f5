#!/usr/bin/env bash
# What deploy/ has for others' programs, checked by those programs. Says what it skipped where one is not there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../deploy"
passed=0 skipped=0

if command -v promtool > /dev/null; then
  promtool check rules prometheus/loupe-alerts.yml
  promtool test rules prometheus/loupe-alerts.test.yml
  # Every alert is tried: one that fires nowhere in the test proves nothing.
  while read -r alert; do
    grep -q "alertname=\"$alert\"" prometheus/loupe-alerts.test.yml || { echo "loupe-alerts.test.yml does not try $alert"; exit 1; }
  done < <(sed -n 's/ *- alert: //p' prometheus/loupe-alerts.yml)
  passed=$((passed + 1))
else
  echo "skipped: promtool is not here (Debian: prometheus)"
  skipped=$((skipped + 1))
fi

if command -v nginx > /dev/null; then
  PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 ../tests/deploy/nginx.py
  echo "nginx: TLS, keys, sessions that stick, a server that is killed"
  passed=$((passed + 1))
else
  echo "skipped: nginx is not here (Debian: nginx-light)"
  skipped=$((skipped + 1))
fi

if command -v systemd-analyze > /dev/null; then
  # Where the unit says the program is there may be none; any other will do.
  unit=$(mktemp -d)
  trap 'rm -rf "$unit"' EXIT
  sed "s|^ExecStart=/opt/loupe-grpc/server/loupe-grpc-server |ExecStart=$(type -P true) |" systemd/loupe-grpc.service > "$unit/loupe-grpc.service"
  said=$(systemd-analyze verify --man=no "$unit/loupe-grpc.service" 2>&1) || { echo "$said"; exit 1; }
  # Of what it does not know it only warns.
  said=$(grep -F loupe-grpc <<< "$said" || true)
  [[ -z $said ]] || { echo "$said"; exit 1; }
  # Of 100, which is a service without any bounds.
  systemd-analyze security --offline=true --no-pager --threshold=15 "$unit/loupe-grpc.service" > "$unit/said" || { cat "$unit/said"; exit 1; }
  tail -n 1 "$unit/said"
  passed=$((passed + 1))
else
  echo "skipped: systemd-analyze is not here (Debian: systemd)"
  skipped=$((skipped + 1))
fi

if command -v npm > /dev/null; then
  (cd ../tests/deploy && ../../scripts/npm-packages.sh tsc && node envoy.mjs)
  passed=$((passed + 1))
else
  echo "skipped: npm is not here (Debian: npm)"
  skipped=$((skipped + 1))
fi

# The kustomization files are written for version 5, which Debian's own kubectl is older than.
if ! grep -qs '^Kustomize Version: v5' <<< "$(kubectl version --client 2> /dev/null)"; then
  echo "skipped: kubectl with kustomize 5 is not here (https://kubernetes.io/docs/tasks/tools)"
  skipped=$((skipped + 1))
elif ! command -v npm > /dev/null; then
  echo "skipped: npm is not here (Debian: npm)"
  skipped=$((skipped + 1))
else
  cd ../tests/deploy
  ../../scripts/npm-packages.sh tsc
  node kubernetes.mjs
  passed=$((passed + 1))
fi

echo "deploy: $passed passed, 0 failed, $skipped skipped"
