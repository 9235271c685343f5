# Inside the image: each library that something of ours links, one a line, with its package; `missing` where there is none.
find /opt/loupe-grpc -type f \( -name '*.so' -o -perm /111 \) | while read -r file; do
  ldd "$file" 2> /dev/null | sed -n 's/^[[:space:]]*\([^ ]*\) => not found$/missing \1/p; s/^[[:space:]]*[^ ]* => \(\/[^ ]*\) .*/\1/p'
done | sort -u | while read -r library rest; do
  case $library in
    missing) echo "missing $rest" ;;
    /opt/*) ;;
    *)
      real=$(readlink -f "$library")
      # Where /lib is a link to /usr/lib, packages may have put it down under either name.
      package=$(dpkg -S "$real" 2> /dev/null || dpkg -S "${real#/usr}" 2> /dev/null || echo "unknown: ")
      echo "${package%%:*} $library"
      ;;
  esac
done
