#!/usr/bin/env bash
# The sign-ins against OpenID Connect software that shares no code with the connector: a certified provider in Microsoft's
# place, a certified client library in the place of a Linkus application. Everything is installed below target/.
# CONNECTOR names the program to test [default: target/release/connector].
set -euo pipefail
cd "$(dirname "$0")/../.."

connector=$(realpath "${CONNECTOR:-target/release/connector}")
place=target/interop
mkdir -p "$place"
cp tests/interop/*.mjs tests/interop/package*.json "$place/"
cd "$place"
npm ci --silent --no-audit --no-fund --ignore-scripts
CONNECTOR=$connector exec node --test --test-reporter=spec ./*.test.mjs
