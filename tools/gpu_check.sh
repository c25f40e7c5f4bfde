#!/usr/bin/env bash
# All that needs an NVIDIA GPU, on a machine that has one: builds with CUDA and leaves device, tests, sanitizer reports,
# timings and profiles in a folder. Fetches nothing. A part that fails, or a tool that is not there, does not stop the
# others; the exit status is 0 if no part failed.
#
#     tools/gpu_check.sh [PART...]      parts: build test suite sanitize paint bench profile; all by default
#
# Environment: PYTHON (python3; its torch must have CUDA), OUT (benchmarks/results/gpu-NAME-DATE), LIMIT (seconds that a
# part may take, 900).
set -uo pipefail
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-$([[ -x .venv/bin/python ]] && echo .venv/bin/python || echo python3)}
LIMIT=${LIMIT:-900}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH} NEURALPAINT_CUDA=1 MAX_JOBS=${MAX_JOBS:-$(nproc)}
[[ -d /usr/local/cuda/bin ]] && PATH=$PATH:/usr/local/cuda/bin
device=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -1 | tr ' /' '__')
OUT=${OUT:-benchmarks/results/gpu-${device:-none}-$(date +%Y-%m-%d)}
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
wanted=" ${*:-build test suite sanitize paint bench profile} "
summary=() failed=0

# part NAME COMMAND...: runs it with its output in NAME.log.
part() {
    local name=$1 start=$SECONDS status=0
    shift
    echo "--- $name: $*"
    timeout --kill-after=20 "$LIMIT" "$@" >"$OUT/$name.log" 2>&1 || status=$?
    tail -n 5 "$OUT/$name.log"
    if ((status)); then
        failed=1
        summary+=("FAILED ($status)  $name  $((SECONDS - start)) s  see $OUT/$name.log")
    else
        summary+=("ok           $name  $((SECONDS - start)) s")
    fi
    return $status
}
missing() { summary+=("left out     $1: there is no $2"); }
wants() { [[ $wanted == *" $1 "* ]]; }
has_module() { "$PYTHON" -c "import $1" 2>/dev/null; }

part device bash -c "nvidia-smi; nvcc --version; '$PYTHON' -c 'import sys, torch
print(sys.version, torch.__version__, torch.version.cuda)
print(torch.cuda.get_device_properties(0))'"

if wants build; then
    part build "$PYTHON" setup.py build_ext --inplace
    part cuda_check "$PYTHON" tools/cuda_check.py --jobs "$(nproc)"
    if command -v cmake >/dev/null; then
        part unit_tests bash -c "cmake -S . -B build/gpu -DNEURALPAINT_CUDA=OFF && cmake --build build/gpu --parallel &&
            ctest --test-dir build/gpu --output-on-failure"
    else
        missing unit_tests cmake
    fi
fi

if has_module pytest; then
    wants test && part test "$PYTHON" -m pytest tests/cuda -ra
    wants suite && part suite "$PYTHON" -m pytest tests --ignore tests/cuda -m "not slow" \
        $(has_module xdist && echo "-n $(nproc)")
else
    missing "test, suite, sanitize" pytest
fi

if wants sanitize && has_module pytest; then
    if command -v compute-sanitizer >/dev/null; then
        # Memory straight from the driver, so that reads and writes next to a tensor are seen.
        chosen="(test_render_loss or test_rasterize or test_composite or test_sinkhorn) and (agrees or matches)"
        for tool in memcheck racecheck synccheck initcheck; do
            part "sanitize_$tool" compute-sanitizer --target-processes all --tool "$tool" --error-exitcode 9 \
                env PYTORCH_NO_CUDA_MEMORY_CACHING=1 "$PYTHON" -m pytest tests/cuda -x -k "$chosen and float32 and not 90 and not 120"
        done
    else
        missing sanitize compute-sanitizer
    fi
fi

if wants paint; then
    part paint "$PYTHON" benchmarks/gpu_timings.py --json "$OUT/timings.json"
fi

if wants bench; then
    if "$PYTHON" -m neuralpaint bench --help >/dev/null 2>&1; then
        part bench "$PYTHON" -m neuralpaint bench --device cuda --json "$OUT/bench.json" --trace "$OUT/trace.json.gz"
    else
        missing bench "neuralpaint bench"
    fi
fi

if wants profile; then
    if command -v ncu >/dev/null; then
        # One run for each: the first kernels alone would fill the report.
        for kernel in draw_kernel render composite backward sinkhorn; do
            part "profile_$kernel" ncu --set full --target-processes all --kernel-name "regex:$kernel" \
                --launch-count 6 --force-overwrite --export "$OUT/$kernel" "$PYTHON" benchmarks/gpu_timings.py --once
            [[ -f $OUT/$kernel.ncu-rep ]] && ncu --import "$OUT/$kernel.ncu-rep" --page details >"$OUT/$kernel.txt"
        done
    else
        missing profile ncu
    fi
    command -v nsys >/dev/null && part timeline nsys profile --force-overwrite true -o "$OUT/paint" \
        "$PYTHON" benchmarks/gpu_timings.py --once
fi

printf '%s\n' "" "$OUT:" "${summary[@]}" | tee "$OUT/summary.txt"
exit $failed
