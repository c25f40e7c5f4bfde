#!/usr/bin/env bash
# Installs the wheels of dist/ into new environments, one for each PYTHON:TORCH, and runs there, outside the source
# folder: the program, a small painting at each level of kernels, and the tests of the ops.
#
#     tools/wheel_test.sh [PYTHON:TORCH...]      such as python3.12:torch==2.11.0
#
# Default: PYTHON (python3) with torch==2.13.0 and with torch==2.10.0, the oldest. What cannot be had, an interpreter, a
# wheel for it or a torch, is skipped and said so. Environment: PYTHON, DIST (dist), LIMIT (seconds that installing a
# torch may take, 600). The exit status is 0 if something was tested and nothing failed.
set -uo pipefail
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
LIMIT=${LIMIT:-600}
DIST=$(cd "${DIST:-dist}" && pwd) || exit 1
SOURCE=$PWD
(($#)) || set -- "$PYTHON:torch==2.13.0" "$PYTHON:torch==2.10.0"
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV ATEN_CPU_CAPABILITY
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
summary=() passed=0 failed=0

skip() {
    summary+=("SKIPPED  $pair: $1")
    echo "skipped: $1"
}

# check COMMAND...: runs it in the empty folder; on failure ends the subshell that tests one pair.
check() {
    echo "+ $*"
    (cd "$folder/empty" && "$@") || { echo "failed: $*"; exit 1; }
}

# What is run in one environment.
try() {
    mkdir -p "$folder/empty/tests"
    cp -r "$SOURCE/tests/ops" "$folder/empty/tests/"
    check "$bin/python" -c "import neuralpaint, sys; assert neuralpaint.__file__.startswith(sys.prefix), neuralpaint"
    check "$bin/neuralpaint" --version
    check "$bin/python" -c "from neuralpaint._extension import build_facts; print(build_facts())"
    local capabilities=(default)
    grep -q avx2 /proc/cpuinfo 2>/dev/null && capabilities+=(avx2)
    grep -q avx512vl /proc/cpuinfo 2>/dev/null && capabilities+=(avx512)
    for capability in "${capabilities[@]}"; do
        check env ATEN_CPU_CAPABILITY="$capability" "$bin/neuralpaint" paint "$SOURCE/examples/photos/astronaut.jpg" \
            -o "$capability.png" --strokes 50 --preset fast --size 128
        check test -s "$capability.png"
    done
    check "$bin/python" -m pytest -q -p no:cacheprovider --import-mode=importlib tests/ops
}

for pair in "$@"; do
    python=${pair%%:*} torch=${pair#*:}
    folder=$work/${#summary[@]} bin=$work/${#summary[@]}/venv/bin
    echo "--- $pair"
    if ! tag=$("$python" -c 'import sys; print("cp%d%d" % sys.version_info[:2])' 2>/dev/null); then
        skip "there is no $python"
        continue
    fi
    wheels=("$DIST"/neuralpaint-*-"$tag"-*.whl)
    if [[ ! -f ${wheels[0]} ]]; then
        skip "there is no wheel for $tag in $DIST"
        continue
    fi
    mkdir -p "$folder"
    "$python" -m venv "$folder/venv" || { skip "$python makes no environments"; continue; }
    if ! timeout "$LIMIT" "$bin/python" -m pip --disable-pip-version-check install -q "$torch" >"$folder/torch.log" 2>&1; then
        skip "$torch cannot be installed in $LIMIT s: $(grep -v WARNING "$folder/torch.log" | tail -n 1)"
        continue
    fi
    if ! "$bin/python" -m pip --disable-pip-version-check install -q "${wheels[0]}" pytest; then
        summary+=("FAILED   $pair: $(basename "${wheels[0]}") cannot be installed")
        failed=1
        continue
    fi
    if (try); then
        summary+=("PASSED   $pair: $(basename "${wheels[0]}")")
        passed=1
    else
        summary+=("FAILED   $pair: see above")
        failed=1
    fi
    rm -rf "$folder"
done

printf '%s\n' "--- $(uname -sm)" "${summary[@]}"
((passed && !failed))
