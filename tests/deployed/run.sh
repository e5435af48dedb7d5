#!/usr/bin/env bash
# The template deployed into an emulator of AWS, with the archives of infra/build.sh: real events over the real Runtime API,
# and every call of a function judged by its role. Also one function below AWS's own runtime emulator. Everything is
# installed below target/; nothing leaves this machine.
set -euo pipefail
cd "$(dirname "$0")/../.."

home="$PWD/target/ci-tools/deployed"
requirements=('ministack[full]==1.5.33' boto3)
sam_cli=1.170.0

[ -x "$home/bin/ministack" ] || {
    python3 -m venv "$home"
    "$home/bin/pip" install --quiet --disable-pip-version-check "${requirements[@]}"
}
if [ ! -x "$home/aws-lambda-rie" ]; then
    parts=$(mktemp -d)
    "$home/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$parts" "aws-sam-cli==$sam_cli"
    python3 -m zipfile -e "$parts"/aws_sam_cli-*.whl "$parts"
    install -m 755 "$parts/samcli/local/rapid/aws-lambda-rie-x86_64" "$home/aws-lambda-rie"
    rm -rf "$parts"
fi

export EMULATOR_HOME="$home"
exec "$home/bin/python" -B -m unittest discover --verbose --start-directory tests/deployed "$@"
