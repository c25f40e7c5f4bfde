// Strokes in shared memory, and what they say of the pixels of a warp.
#pragma once

#include "cuda/strokes.cuh"

namespace neuralpaint::cuda {

// The samples of a curve that matter to the warp's pixels, which lie within `radius` of (cx, cy): one lane a sample.
// The warp's lanes must all call it. See near_samples of cpu/pixels.h.
template <typename Stroke, typename T = typename Stroke::Scalar>
__device__ __forceinline__ NearSamples near_samples(const Stroke& stroke, T cx, T cy, T radius) {
    constexpr unsigned kAll = 0xffffffffu;
    constexpr int K = Stroke::kSamples;
    static_assert(K < 32, "a lane takes one sample");
    const int lane = threadIdx.x % 32;
    const bool takes = lane <= K;
    NP_COUNT(kCurvePoints, takes);
    const T distance = takes ? stroke.distance(cx, cy, lane) : T(1e30);
    T least = distance;
#pragma unroll
    for (int step = 16; step > 0; step /= 2) least = vmin(least, __shfl_xor_sync(kAll, least, step));
    const T limit = vmin(least + radius, stroke.clear_above());
    const bool near = takes && distance - (radius + stroke.slack[takes ? lane : 0]) <= limit;
    const unsigned matters = __ballot_sync(kAll, near), best = __ballot_sync(kAll, distance == least);
    return {__ffs(matters) - 1, matters == 0 ? -2 : 31 - __clz(matters), __ffs(best) - 1,
            least + radius < stroke.covered_below()};
}

// The stroke's sample at the lane's pixel, if it is `wanted`; otherwise one that covers nothing. The warp's pixels are
// `columns` x `rows` from (left, top). The lanes must all call it.
template <int Columns, int Rows, typename Stroke, typename T = typename Stroke::Scalar>
__device__ __forceinline__ SampleOf<Stroke, T> sample_of_warp(const Stroke& stroke, int left, int top, int x, int y,
                                                              bool wanted) {
    if constexpr (Stroke::kCurve) {
        constexpr double half_x = 0.5 * (Columns - 1), half_y = 0.5 * (Rows - 1);
        if (!__any_sync(0xffffffffu, wanted)) return {};
        NP_COUNT(kWarpSamples, threadIdx.x % 32 == 0);
        const T radius = vsqrt(T(half_x * half_x + half_y * half_y));
        const NearSamples near = near_samples(stroke, T(left) + T(0.5 * Columns), T(top) + T(0.5 * Rows), radius);
        if (!wanted || near.last < near.first) return {};
        const auto s = stroke.sample(T(x) + T(0.5), T(y) + T(0.5), near);
        NP_COUNT(kSamples, 1);
        NP_COUNT(kCurvePoints, near.inside && !Stroke::kGradient ? 0 : near.last - near.first + 1);
        NP_COUNT(kCovers, s.coverage > T(0));
        return s;
    } else {
        NP_COUNT(kWarpSamples, __any_sync(0xffffffffu, wanted) && threadIdx.x % 32 == 0);
        if (!wanted) return {};
        const auto s = stroke.sample(T(x) + T(0.5), T(y) + T(0.5));
        NP_COUNT(kSamples, 1);
        NP_COUNT(kCovers, s.coverage > T(0));
        return s;
    }
}

// Up to N strokes and their boxes in shared memory.
template <typename Stroke, int N>
struct SharedStrokes {
    alignas(16) unsigned char memory[N][sizeof(Stroke)];
    PixelBox boxes[N];

    // A warp brings each of `count` strokes. Sync before use, and before the next call.
    __device__ __forceinline__ void bring(const Stroke* strokes, const PixelBox* all_boxes, const int32_t* list,
                                          int count) {
        const int lane = threadIdx.x % 32;
        for (int k = threadIdx.x / 32; k < count; k += kThreads / 32) {
            const int32_t n = list[k];
            fetch(strokes + n, memory[k], lane, 32);
            if (lane == 0) boxes[k] = all_boxes[n];
        }
    }
    __device__ __forceinline__ const Stroke& operator[](int k) const {
        return *reinterpret_cast<const Stroke*>(memory[k]);
    }
};

}  // namespace neuralpaint::cuda
