#!/usr/bin/env bash
# One suite of scenarios on two hosts. On the template, deployed into an emulator of AWS with the archives of infra/build.sh:
# real events over the real Runtime API, and every call of a function judged by its role. And on the program that serves
# without a cloud. Also one function below AWS's own runtime emulator. Everything is installed below target/; nothing leaves
# this machine. CONNECTOR names the program to test [default: target/release/connector].
# `cargo test --workspace` must have been run before: it builds the program whose messages panic.
set -euo pipefail
cd "$(dirname "$0")/../.."

tools="$PWD/target/ci-tools"
tests/python-home.sh deployed 'ministack[full]==1.5.33' boto3
# AWS's runtime emulator comes with the SAM CLI.
tests/python-home.sh sam aws-sam-cli==1.170.0
install -m 755 "$tools"/sam/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64 "$tools/deployed/aws-lambda-rie"

home="$tools/deployed"
CONNECTOR=$(realpath "${CONNECTOR:-target/release/connector}")
export CONNECTOR EMULATOR_HOME="$home"
exec "$home/bin/python" -B -m unittest discover --verbose --start-directory tests/deployed "$@"
