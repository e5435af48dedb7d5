#!/usr/bin/env bash
# The template deployed into an emulator of AWS, with the archives of infra/build.sh: real events over the real Runtime API,
# and every call of a function judged by its role. Also one function below AWS's own runtime emulator. Everything is
# installed below target/; nothing leaves this machine.
set -euo pipefail
cd "$(dirname "$0")/../.."

tools="$PWD/target/ci-tools"
tests/python-home.sh deployed 'ministack[full]==1.5.33' boto3
# AWS's runtime emulator comes with the SAM CLI.
tests/python-home.sh sam aws-sam-cli==1.170.0
install -m 755 "$tools"/sam/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64 "$tools/deployed/aws-lambda-rie"

home="$tools/deployed"
export EMULATOR_HOME="$home"
exec "$home/bin/python" -B -m unittest discover --verbose --start-directory tests/deployed "$@"
