#!/bin/sh
# Create the virtual environment VENV with PYTHON (both from the environment), or say what is missing.
set -eu

min='import sys; sys.exit(sys.version_info < (3, 11))'

if [ -x "$VENV/bin/python" ]; then
    "$VENV/bin/python" -c "$min" || {
        echo "$VENV holds $("$VENV/bin/python" --version), elastic needs 3.11 or newer: remove $VENV and try again" >&2
        exit 1
    }
    # Without pip, an earlier attempt was interrupted: start it anew.
    "$VENV/bin/python" -c 'import pip' 2>/dev/null && exit 0
fi

if [ -n "${PYTHON:-}" ]; then
    candidates=$PYTHON
else
    candidates="python3 python3.14 python3.13 python3.12 python3.11"
fi
for python in $candidates; do
    if command -v "$python" >/dev/null && "$python" -c "$min" 2>/dev/null; then
        found=$python
        break
    fi
done
if [ -z "${found:-}" ]; then
    echo "elastic needs Python 3.11 or newer; tried: $candidates. Name one with: make PYTHON=/path/to/python" >&2
    exit 1
fi

# Debian ships venv's ensurepip in a package of its own.
if ! "$found" -c 'import ensurepip' 2>/dev/null; then
    package="$("$found" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        "$(dirname "$0")/install-system-packages.sh" "$package"
    else
        echo "$found cannot make virtual environments: install $package first" >&2
        exit 1
    fi
fi
"$found" -m venv --clear "$VENV"
