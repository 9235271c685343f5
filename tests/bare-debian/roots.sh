# To be sourced, by a script with a function `skip` that ends it. Makes roots with the smallest Debian out of what this machine itself has: package sources, names,
# certificates, SDK.

# machine: fills `sources`, `mirror`, `suite` and `sdk`.
machine() {
  mapfile -t sources < <(apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | awk '$1 == "Debian" { print $2, $3, $4 }' | sort -u)
  ((${#sources[@]} > 0)) || skip "apt knows no package source of Debian; run apt-get update first"
  # The release itself is named without a hyphen, its updates with one.
  read -r mirror suite _ < <(printf '%s\n' "${sources[@]}" | awk '$2 !~ /-/ { print; exit }')
  # As it says itself: `dotnet` on the path may be a script that calls it.
  sdk=$(dotnet --list-sdks | sed -n '$s|^.* \[\(.*\)/sdk\]$|\1|p')
  [[ -x $sdk/dotnet ]] || skip "dotnet --list-sdks does not say where the SDK is"
}

# minimal FOLDER: a new root there.
minimal() {
  local new=$1
  debootstrap --variant=minbase "$suite" "$new" "$mirror" > "$new.log" 2>&1 || {
    tail -n 20 "$new.log"
    skip "debootstrap could not make a root here"
  }
  printf 'deb %s\n' "${sources[@]}" > "$new/etc/apt/sources.list"
  apt-config dump | grep -E '^Acquire::(https?|Check-Valid-Until|Check-Date)' > "$new/etc/apt/apt.conf.d/90machine" || true
  cp -L /etc/resolv.conf /etc/hosts "$new/etc/"
  if [[ -d /usr/local/share/ca-certificates ]]; then
    mkdir -p "$new/usr/local/share/ca-certificates"
    cp -a /usr/local/share/ca-certificates/. "$new/usr/local/share/ca-certificates/"
  fi
  mkdir -p "$new/usr/share/dotnet" "$new/usr/local/bin"
  ln -s /usr/share/dotnet/dotnet "$new/usr/local/bin/dotnet"
}
