#!/usr/bin/env bash
# Makes the pictures and root.pem in the folder above anew: with other keys and other times, so that what tests expect of those changes with them.
# Needs Node 20, OpenSSL 3, ffmpeg with libwebp, and the npm registry. The private keys are left in work/, which git ignores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
mkdir -p work
npm install --no-audit --no-fund --no-package-lock --ignore-scripts

certificate() { # NAME SUBJECT EXTENSIONS KIND ISSUER
  case $4 in
    ed25519) openssl genpkey -algorithm ed25519 -out "work/$1.key" ;;
    rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "work/$1.key" ;;
    *) openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$4" -out "work/$1.key" ;;
  esac
  openssl req -new -key "work/$1.key" -subj "/O=LoupeGrpc tests/CN=$2" -out "work/$1.csr"
  local issuer=(-signkey "work/$1.key")
  [ -z "${5-}" ] || issuer=(-CA "work/$5.pem" -CAkey "work/$5.key" -CAcreateserial)
  openssl x509 -req -in "work/$1.csr" "${issuer[@]}" -days 36500 -extfile ext.cnf -extensions "$3" -out "work/$1.pem"
}

certificate root 'Test root' root P-256
certificate inter 'Test intermediate' inter P-256 root
certificate es256 'Signer ES256' leaf P-256 inter
certificate es384 'Signer ES384' leaf P-384 inter
certificate es512 'Signer ES512' leaf P-521 inter
certificate ps256 'Signer PS256' leaf rsa inter
certificate ed25519 'Signer Ed25519' leaf ed25519 inter
certificate tsa 'Test time-stamping authority' tsa P-256 root
echo 01 >work/ts.serial
cp work/root.pem ..

ffmpeg -v error -y -i ../../../../samples/authentic-coffee.jpg -vf scale=96:64 -q:v 4 work/plain.jpg
ffmpeg -v error -y -i work/plain.jpg work/plain.png
ffmpeg -v error -y -i work/plain.jpg -c:v libwebp -quality 70 work/plain.webp
cp work/plain.jpg ..
node make.mjs
