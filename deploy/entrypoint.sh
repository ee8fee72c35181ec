#!/bin/sh
# numba refuses a cache folder that it can't write to, and then compiles at every start. Where the image is read-only,
# the kernels that were compiled into it are used from a copy in the one place that is writable.
set -eu
if [ ! -w "$NUMBA_CACHE_DIR" ]; then
    copy="${TMPDIR:-/tmp}/numba"
    mkdir -p "$copy"
    cp -R "$NUMBA_CACHE_DIR/." "$copy"
    chmod -R u+w "$copy"
    export NUMBA_CACHE_DIR="$copy"
fi
exec retention "$@"
