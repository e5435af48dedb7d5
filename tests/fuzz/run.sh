#!/usr/bin/env bash
# Requests made from the Admin API's own OpenAPI document, good ones and bad ones, against the demo: nothing breaks, every
# answer is as the document says, bad requests are refused, none passes without its token. New calls are found by
# themselves. CONNECTOR names the program to test [default: target/release/connector].
set -euo pipefail
cd "$(dirname "$0")/../.."

connector=$(realpath "${CONNECTOR:-target/release/connector}")
home="$PWD/target/ci-tools/fuzz"
place="$PWD/target/fuzz"
here="$PWD/tests/fuzz"

tests/python-home.sh fuzz schemathesis==4.32.5
rm -rf "$place"
mkdir -p "$place/answers"

CONNECTOR_LISTEN=127.0.0.1:0 "$connector" >"$place/demo.log" 2>&1 &
demo=$!
trap 'kill -TERM "$demo" 2>/dev/null || true; wait "$demo" || true' EXIT
for _ in $(seq 240); do
    grep -q "^  Token " "$place/demo.log" && break
    kill -0 "$demo" 2>/dev/null || break
    sleep 0.5
done
FUZZ_TOKEN=$(sed -n 's/^  Token *//p' "$place/demo.log")
FUZZ_URL=$(sed -n 's|^  Schema *\(http://[^/]*\)/.*|\1|p' "$place/demo.log")
if [ -z "$FUZZ_TOKEN" ] || [ -z "$FUZZ_URL" ]; then
    cat "$place/demo.log"
    exit 1
fi
export FUZZ_TOKEN FUZZ_URL
curl --silent --fail --output "$place/openapi.json" "$FUZZ_URL/openapi.json"

phase() { # NAME IDS EXAMPLES FILTER...
    local name=$1 ids=$2 examples=$3
    shift 3
    echo "fuzz: $name"
    # There it may leave what it likes.
    (
        cd "$place"
        FUZZ_IDS=$ids FUZZ_ANSWERS="answers/$name.json" PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1 \
            "$home/bin/schemathesis" --config-file "$here/schemathesis.toml" run openapi.json --url "$FUZZ_URL" \
            --checks all --max-examples "$examples" --warnings off --no-color "$@" >"$name.log" 2>&1
    ) || {
        sed -n '/= FAILURES =/,$p; /= ERRORS =/,$p' "$place/$name.log"
        tail -n 20 "$place/$name.log"
        failed=1
    }
}

failed=0
# What switches the connection off or takes it away would leave other calls nothing to judge: these come last, in the order
# in which an admin would.
ends=(pause_part disable_connection disconnect_connection delete_connection)
phase working known 25 --exclude-operation-id-regex "^($(IFS='|'; echo "${ends[*]}"))\$"
phase strangers unknown 3
for end in "${ends[@]}"; do
    phase "$end" known 10 --include-operation-id "$end"
done
# The demo outlives what was done to it.
curl --silent --fail --output /dev/null "$FUZZ_URL/healthz"
"$home/bin/python" -B "$here/coverage.py" "$place/openapi.json" "$place"/answers/*.json || failed=1
exit "$failed"
