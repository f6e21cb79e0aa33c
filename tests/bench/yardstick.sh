#!/usr/bin/env bash
# Builds the server, its peers and the generators, then measures them side by side. Flags are the driver's: --help.
# The targets are apart: the peers' dependencies shall not be seen by the server's build, nor its tests by theirs.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}
cargo build --quiet --release --locked
cargo build --quiet --release --locked --manifest-path tests/bench/peers/Cargo.toml --target-dir "$target/peers"
exec "$target/peers/release/yardstick" --glassbox "$target/release/glassbox" "$@"
