#!/usr/bin/env bash
# Makes a Python environment with programs from PyPI, below target/ci-tools; nothing is to do where it is there already.
#   tests/python-home.sh NAME REQUIREMENT...
set -euo pipefail
cd "$(dirname "$0")/.."

tools="$PWD/target/ci-tools"
home="$tools/$1"
shift

[ "$(cat "$home/requirements" 2>/dev/null)" != "$*" ] || exit 0
[ -x "$tools/uv/bin/uv" ] || {
    python3 -m venv "$tools/uv"
    "$tools/uv/bin/pip" install --quiet --disable-pip-version-check uv==0.13.9
}
export UV_CACHE_DIR="$tools/uv/cache"
"$tools/uv/bin/uv" venv --quiet --clear --no-python-downloads --python python3 "$home"
"$tools/uv/bin/uv" pip install --quiet --python "$home/bin/python" "$@"
echo "$*" >"$home/requirements"
