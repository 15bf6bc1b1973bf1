# Sourced by the scripts beside it. `setup LOCK` prepares .venv from that lock file and sets $root and $python.
# Needs nothing but a Python >= 3.11; `PYTHON=…` chooses which. The work itself is in _setup.py.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
python=$root/.venv/bin/python

usable() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        if usable "$PYTHON"; then
            echo "$PYTHON"
            return
        fi
        echo "trueline: PYTHON=$PYTHON is not a Python 3.11 or newer" >&2
        return 1
    fi
    for candidate in "$python" python3 python3.14 python3.13 python3.12 python3.11 python; do
        if usable "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "trueline: no Python 3.11 or newer on the PATH; install one, or name it: PYTHON=/path/to/python3 $0" >&2
    return 1
}

setup() {
    base=$(find_python) || exit 1
    "$base" "$root/scripts/_setup.py" "$root" "$1" || exit 1
}

# Let what scripts/compile made take the place of the source, unless the source has changed since.
use_compiled() {
    [ -f "$root/.compiled/stamp" ] || return 0
    if [ -n "$(find "$root/src" -name '*.py' -newer "$root/.compiled/stamp" -print | head -n 1)" ]; then
        echo "trueline: the source has changed since scripts/compile ran; what it made is not used" >&2
        return 0
    fi
    suffix=$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
    if [ "$(cat "$root/.compiled/stamp")" != "$suffix" ]; then
        echo "trueline: scripts/compile ran with another Python; what it made is not used" >&2
        return 0
    fi
    PYTHONPATH="$root/.compiled${PYTHONPATH:+:$PYTHONPATH}"
    export PYTHONPATH
}
