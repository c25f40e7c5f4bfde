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

// A stroke, the pixels from (left, top) that a warp looks at together, and whether the lane wants to know of its own.
template <typename Stroke>
struct Looked {
    const Stroke& stroke;
    int left, top;
    bool wanted;
};

// What a warp knows of up to `Most` strokes, or of one in as many places, for Columns x Rows pixels each. Lane k
// guesses for number k, which takes no longer for all of them than for one. The warp's lanes must all call its
// functions.
template <typename Stroke, int Columns, int Rows, int Most, typename T = typename Stroke::Scalar>
class WarpNear {
 public:
    // item(k) is what number k is about, the same in all lanes but for what they want.
    template <typename Item>
    __device__ __forceinline__ void prepare(int count, const Item& item) {
        if constexpr (Stroke::kCurve) {
            const int lane = threadIdx.x % 32;
            int known = 0;
#pragma unroll 1
            for (int k = 0; k < count; ++k) {
                const Looked<Stroke> seen = item(k);
                if (!__any_sync(0xffffffffu, seen.wanted)) continue;
                const NearSamples near = near_samples(seen.stroke, middle_x(seen), middle_y(seen), radius());
                if (lane == k && near.first <= near.last) {
                    known = kSome | (near.inside ? kInside : 0) | near.first | near.last << 5 | near.best << 10;
                }
            }
            __syncwarp();  // what was known before may still be being read
            if (lane < count) {
                Known& own = of(lane);
                if constexpr (Stroke::kGuided) {
                    if (known != 0) {
                        const Looked<Stroke> seen = item(lane);
                        Guess<T> guess;
                        const NearSamples near = samples(known);
                        if (seen.stroke.guess(middle_x(seen), middle_y(seen), T(near.first), T(near.last), T(near.best),
                                              radius(), guess)) {
                            known |= kGuided;
                            own.t0 = guess.t0;
                            own.by_x = guess.by_x;
                            own.by_y = guess.by_y;
                        }
                    }
                }
                own.what = known;
            }
            __syncwarp();
        }
    }

    // The sample of number k at the lane's pixel, if it is `wanted`, as it must have been before; otherwise one that
    // covers nothing.
    __device__ __forceinline__ SampleOf<Stroke, T> sample(const Stroke& stroke, int k, int x, int y,
                                                          bool wanted) const {
        NP_COUNT(kWarpSamples, __any_sync(0xffffffffu, wanted) && threadIdx.x % 32 == 0);
        SampleOf<Stroke, T> s{};
        const T xc = T(x) + T(0.5), yc = T(y) + T(0.5);
        if constexpr (Stroke::kCurve) {
            if (!wanted) return s;
            const Known& own = of(k);
            const int known = own.what;
            if (known == 0) return s;
            const NearSamples near = samples(known);
            if (Stroke::kGuided && (known & kGuided) != 0) {
                const T step = T(1) / T(Stroke::kSamples);
                const Guess<T> guess{own.t0, own.by_x, own.by_y, vmax(T(near.first - 1) * step, T(0)),
                                     vmin(T(near.last + 1) * step, T(1))};
                s = guided(stroke, xc, yc, near, guess);
            } else {
                NP_COUNT(kCurvePoints, points(stroke, xc, yc, near));
                s = stroke.sample(xc, yc, near);
            }
        } else {
            if (!wanted) return s;
            s = stroke.sample(xc, yc);
        }
        NP_COUNT(kSamples, 1);
        NP_COUNT(kCovers, s.coverage > T(0));
        return s;
    }

 private:
    static constexpr int kInside = 1 << 15, kGuided = 1 << 16, kSome = 1 << 17;  // above three samples' numbers

    static __device__ __forceinline__ T middle_x(const Looked<Stroke>& seen) { return T(seen.left) + T(0.5 * Columns); }
    static __device__ __forceinline__ T middle_y(const Looked<Stroke>& seen) { return T(seen.top) + T(0.5 * Rows); }
    static __device__ __forceinline__ T radius() {
        constexpr double x = 0.5 * (Columns - 1), y = 0.5 * (Rows - 1);
        return vsqrt(T(x * x + y * y));
    }
    static __device__ __forceinline__ NearSamples samples(int known) {
        return {known & 31, known >> 5 & 31, known >> 10 & 31, (known & kInside) != 0};
    }
    static __device__ __forceinline__ auto guided(const Stroke& stroke, T x, T y, const NearSamples& near,
                                                  const Guess<T>& guess) {
        if constexpr (Stroke::kGuided) return stroke.sample(x, y, near, guess);
        return stroke.sample(x, y, near);
    }
    // How many samples of the curve a pixel's takes.
    static __device__ __forceinline__ int points(const Stroke& stroke, T x, T y, const NearSamples& near) {
        const int all = near.last - near.first + 1;
        if (Stroke::kGradient || sizeof(T) == 8) return near.inside && !Stroke::kGradient ? 0 : all;
        return near.inside ? 0 : stroke.distance(x, y, near.best) > stroke.covered_below() ? all + 1 : 1;
    }

    // In shared memory, for registers are scarce.
    struct Known {
        int what;
        T t0, by_x, by_y;
    };
    static __device__ __forceinline__ Known& of(int k) {
        __shared__ Known known[kThreads / 32][Most];
        return known[threadIdx.x / 32][k];
    }
};

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
