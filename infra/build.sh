#!/usr/bin/env bash
# Builds what is given to people: the program `connector`, and for AWS one archive a function in target/lambda/. Plain
# cargo for the machine at hand; it adds no toolchain and no target. The same sources give the same archives.
set -euo pipefail
cd "$(dirname "$0")/.."

# Amazon Linux 2023, on which functions run, has this C library; a newer symbol would not be found there.
newest_glibc=2.34

functions=()
for folder in functions/*/; do
    functions+=("$(basename "$folder")")
done

# Paths of this machine say nothing to others and would make archives differ.
export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=/build --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
# Random numbers come from the kernel alone, which every place that runs this has seeded; gathering more from the jitter of
# the processor would cost each start tens of milliseconds (decision 0019).
export AWS_LC_SYS_NO_JITTER_ENTROPY=1
# The profile for functions makes small archives and takes its time; FUNCTIONS_PROFILE=release shares the program's build.
profile="${FUNCTIONS_PROFILE:-lambda}"
if [ "$profile" = release ]; then
    cargo build --release --locked --package connector "${functions[@]/#/--package=}"
else
    cargo build --release --locked --package connector
    cargo build --profile "$profile" --locked "${functions[@]/#/--package=}"
fi

built="${CARGO_TARGET_DIR:-target}/$profile"
mkdir -p target/lambda
for function in "${functions[@]}"; do
    newest=$(objdump -T "$built/$function" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -uV | tail -1)
    if [ "$(printf '%s\n' "$newest" "$newest_glibc" | sort -V | tail -1)" != "$newest_glibc" ]; then
        echo "$function needs glibc $newest; Amazon Linux 2023 has $newest_glibc. Build on a system as old as that." >&2
        exit 1
    fi
    python3 - "$built/$function" "target/lambda/$function.zip" <<'END'
import sys, zipfile

binary, archive = sys.argv[1:]
entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
entry.compress_type = zipfile.ZIP_DEFLATED
entry.create_system = 3
entry.external_attr = 0o100755 << 16
with zipfile.ZipFile(archive, "w") as packed, open(binary, "rb") as content:
    packed.writestr(entry, content.read(), compresslevel=9)
END
done
ls -l target/lambda/*.zip
