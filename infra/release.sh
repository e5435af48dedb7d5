#!/usr/bin/env bash
# Everything that a release consists of, in target/release-files/: the program and its Debian package, the archives of the
# functions, the template, a bill of materials (CycloneDX), and the hashes of all of them.
set -euo pipefail
cd "$(dirname "$0")/.."

tools="$PWD/target/ci-tools"
export PATH="$tools/bin:$PATH"
command -v cargo-deb >/dev/null || cargo install --quiet --locked --root "$tools" cargo-deb@3.8.0
command -v cargo-cyclonedx >/dev/null || cargo install --quiet --locked --root "$tools" cargo-cyclonedx@0.5.9

infra/build.sh

files=target/release-files
rm -rf "$files"
mkdir -p "$files/lambda"
cargo deb --package connector --no-build --output "$files/"
cp target/release/connector infra/template.yaml "$files/"
cp target/lambda/*.zip "$files/lambda/"
cargo cyclonedx --format json --manifest-path infra/local/Cargo.toml --override-filename connector.cdx
mv infra/local/connector.cdx.json "$files/"
find . -name connector.cdx.json -not -path "./target/*" -delete
sums=$(cd "$files" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
echo "$sums" | tee "$files/SHA256SUMS"
