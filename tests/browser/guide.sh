#!/usr/bin/env bash
# Takes the pictures of the guides anew, into docs/guide/images: tests/browser/guide.sh PROGRAM, with the program
# `connector`. Needs Node.js, Chromium with a Chinese font, and pngquant.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=${1:?which program? for example target/release/connector}
folder="target/browser"
mkdir -p "$folder"
cp tests/browser/*.json tests/browser/*.mjs "$folder"
npm --prefix "$folder" install --silent --no-audit --no-fund
rm -rf docs/guide/images
node "$folder/guide.mjs" "$program" docs/guide/images
pngquant --force --ext .png --speed 1 --strip --skip-if-larger --quality 60-95 docs/guide/images/*/*.png
