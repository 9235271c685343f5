#!/usr/bin/env bash
# Watches every program that calls ONNX Runtime with strace, in a network namespace without a network: nothing may look up a name, talk to anybody but this
# machine, or leave a file of ONNX Runtime's telemetry behind. `./build.sh` first. Needs strace; `./test.sh` sees to that.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

# Where no namespace can be made the same is watched on the machine's own network.
namespace=()
if unshare --net true 2> /dev/null; then
  namespace=(unshare --net)
elif unshare --map-root-user --net true 2> /dev/null; then
  namespace=(unshare --map-root-user --net)
fi

# ONNX Runtime switches its telemetry off by itself where CI is set.
exec "${namespace[@]}" env -u CI -u ORT_DISABLE_TELEMETRY PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$root/tests/interop/python" \
  /usr/bin/python3 -m unittest discover -s "$here" -p 'test_*.py' "$@"
