#!/usr/bin/env bash
# Starts the program that is named as this file, from the folder beside it: build.sh puts one of these into out/ for each program.
here=$(readlink -f "${BASH_SOURCE[0]}")
program=${here##*/}

# With still fewer the runtime does not even come to the program's own check (ProcessLimits.cs), which says the same.
files=$(ulimit -Hn)
if [[ $files != unlimited && $files -lt 256 ]]; then
  echo "error: at most $files files may be open, at least 256 are needed: raise the limit with 'ulimit -n 1024' (systemd: LimitNOFILE=1024)" >&2
  case $program in
    *-client) exit 70 ;;
    *) exit 1 ;;
  esac
fi

export ORT_DISABLE_TELEMETRY=1
exec "${here%/*}/${program#loupe-grpc-}/$program" "$@"
