#!/usr/bin/env bash
# npm run setup: installs the Debian packages that the tests and the demo can use beside Node. Running it again changes
# nothing. Needs root or sudo; toolchains that are already there, from wherever, are left alone.
set -euo pipefail

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "This installs Debian packages, and this system has no apt-get. Install by hand what the tests report as missing:" >&2
  echo "PHP with the Thrift library, the thrift and protoc compilers, nghttp2's tools, Go, a JDK, Maven and Python 3 with venv." >&2
  exit 1
fi

wanted=(openssl curl php-cli php-fpm php-codesniffer composer php-thrift thrift-compiler protobuf-compiler nghttp2-client redis-server faketime)
command -v go >/dev/null || wanted+=(golang-go)
command -v javac >/dev/null || wanted+=(default-jdk-headless)
command -v mvn >/dev/null || wanted+=(maven)
python3 -c 'import ensurepip, venv' 2>/dev/null || wanted+=(python3-venv)

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  echo "Nothing to install: ${wanted[*]} are there."
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || { echo "Run this as root, or install sudo: it installs ${missing[*]}." >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update --quiet=2
"${as_root[@]}" apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}"

# Debian 12 packages Go 1.19. From 1.21 on, Go gets the version that a module asks for by itself.
go_version=$(go env GOVERSION)
if dpkg --compare-versions "${go_version#go}" lt 1.21; then
  echo "Go is ${go_version#go}, which is too old for gRPC's library: install 1.21 or later from https://go.dev/dl" >&2
fi
