// Strokes in shared memory, and what they say of the pixels of a warp.
#pragma once

#include <type_traits>

#include "cuda/strokes.cuh"

namespace neuralpaint::cuda {

constexpr unsigned kWholeWarp = 0xffffffffu;

// Whether a brush guesses where the nearest points of a block's pixels are.
template <typename Stroke>
constexpr bool guesses() {
    if constexpr (Stroke::kCurve) return Stroke::kGuided;
    return false;
}

// The least of a value over the groups of `Lanes` neighbouring lanes.
template <int Lanes, typename T>
__device__ __forceinline__ T least_of(T value) {
#pragma unroll
    for (int step = Lanes / 2; step > 0; step /= 2) value = vmin(value, __shfl_xor_sync(kWholeWarp, value, step));
    return value;
}

// Columns x Rows pixels around (x, y): between which their distances from sample k of a curve are. `low` allows for
// half an interval of the curve on either side.
template <int Columns, int Rows, typename Stroke, typename T>
__device__ __forceinline__ void bound_distances(const Stroke& stroke, T x, T y, int k, T& low, T& high) {
    constexpr double half_x = 0.5 * (Columns - 1), half_y = 0.5 * (Rows - 1);
    NP_COUNT(kCurvePoints, 1);
    if constexpr (Stroke::kGuided) {
        const T radius = vsqrt(T(half_x * half_x + half_y * half_y)), distance = stroke.distance(x, y, k);
        low = distance - (radius + stroke.slack[k]);
        high = distance + radius;
    } else {
        stroke.distances(x, y, T(half_x), T(half_y), k, low, high);
    }
}

// The samples of a curve that matter to the warp's Columns x Rows pixels around (x, y): one lane a sample. Sets
// `limit`, the distance beyond which none does. The warp's lanes must all call it. See find_near of cpu/pixels.h.
template <int Columns, int Rows, typename Stroke, typename T = typename Stroke::Scalar>
__device__ __forceinline__ NearSamples near_samples(const Stroke& stroke, T x, T y, T& limit) {
    constexpr int K = Stroke::kSamples;
    static_assert(K < 32, "a lane takes one sample");
    const int lane = threadIdx.x % 32;
    T low(1e30), high(1e30);
    if (lane <= K) bound_distances<Columns, Rows>(stroke, x, y, lane, low, high);
    const T least = least_of<32>(high);
    limit = vmin(least, stroke.clear_above());
    const unsigned matters = __ballot_sync(kWholeWarp, lane <= K && low <= limit);
    const unsigned best = __ballot_sync(kWholeWarp, high == least);
    return {__ffs(matters) - 1, matters == 0 ? -2 : 31 - __clz(matters), __ffs(best) - 1,
            least < stroke.covered_below()};
}

// Of the samples `near` of the warp's pixels from (left, top), those that matter to a part of them, Columns x Rows
// pixels: four parts, two beside each other, and 8 lanes a part, which all return that of theirs.
template <int Columns, int Rows, typename Stroke, typename T = typename Stroke::Scalar>
__device__ __forceinline__ NearSamples near_part(const Stroke& stroke, int left, int top, const NearSamples& near,
                                                 T limit) {
    constexpr int kLanes = 8;
    const int lane = threadIdx.x % 32, part = lane / kLanes;
    const T x = T(left + part % 2 * Columns) + T(0.5 * Columns), y = T(top + part / 2 * Rows) + T(0.5 * Rows);
    NearSamples own{near.last + 1, -2, 0, false};
    T least(1e30);
#pragma unroll 1
    for (int first = near.first; first <= near.last; first += kLanes) {
        const int k = first + lane % kLanes;
        T low(1e30), high(1e30);
        if (k <= near.last) bound_distances<Columns, Rows>(stroke, x, y, k, low, high);
        const unsigned matters = __ballot_sync(kWholeWarp, low <= limit) >> part * kLanes & 0xffu;
        if (matters != 0) {
            own.first = min(own.first, first + __ffs(matters) - 1);
            own.last = first + 31 - __clz(matters);
        }
        if (high < least) own.best = k;
        least = vmin(high, least);
    }
#pragma unroll
    for (int step = kLanes / 2; step > 0; step /= 2) {
        const T other = __shfl_xor_sync(kWholeWarp, least, step);
        const int best = __shfl_xor_sync(kWholeWarp, own.best, step);
        if (other < least || (other == least && best < own.best)) own.best = best;
        least = vmin(other, least);
    }
    own.inside = least < stroke.covered_below();
    return own;
}

// A stroke, the pixels from (left, top) that a warp looks at together, and whether the lane wants to know of its own.
template <typename Stroke>
struct Looked {
    const Stroke& stroke;
    int left, top;
    bool wanted;
};

// What a warp knows of up to `Most` strokes, or of one in as many places, for 8 x 4 pixels each: which samples of a
// curve matter to them, and from there either a guess of where their nearest points are, which lane k makes for number
// k, or which samples matter to each quarter of the pixels. The warp's lanes must all call its functions.
template <typename Stroke, int Most, bool Clips, typename T = typename Stroke::Scalar>
class WarpNear {
 public:
    static constexpr int kColumns = 8, kRows = 4;

    // item(k) is what number k is about, the same in all lanes but for what they want.
    template <typename Item>
    __device__ __forceinline__ void prepare(int count, const Item& item) {
        if constexpr (Stroke::kCurve) {
            const int lane = threadIdx.x % 32;
            __syncwarp();  // what was known before may still be being read
            if (lane < count) {
                of(lane) = Known();
                first(of(lane)) = !Clips || meets(item(lane)) ? kMeets : 0;
            }
            __syncwarp();
#pragma unroll 1
            for (int k = 0; k < count; ++k) {
                if (first(of(k)) == 0) continue;
                const Looked<Stroke> seen = item(k);
                if (!__any_sync(kWholeWarp, seen.wanted)) continue;
                T limit;
                const NearSamples near =
                    near_samples<kColumns, kRows>(seen.stroke, middle_x(seen), middle_y(seen), limit);
                if (near.first > near.last) continue;
                if constexpr (Stroke::kGuided) {
                    if (lane == 0) of(k).what = packed(near);
                } else {
                    const NearSamples own =
                        near.inside ? near
                                    : near_part<kColumns / 2, kRows / 2>(seen.stroke, seen.left, seen.top, near, limit);
                    if (lane % 8 == 0 && own.first <= own.last) of(k).what[lane / 8] = packed(own);
                }
            }
            __syncwarp();
            if constexpr (Stroke::kGuided) {
                if (lane < count && (of(lane).what & kSome) != 0) guess(item(lane), of(lane));
                __syncwarp();
            }
        }
    }

    // The sample of number k at the lane's pixel, if it is `wanted`, as it must have been before; otherwise one that
    // covers nothing.
    __device__ __forceinline__ SampleOf<Stroke, T> sample(const Stroke& stroke, int k, int x, int y,
                                                          bool wanted) const {
        NP_COUNT(kWarpSamples, __any_sync(kWholeWarp, wanted) && threadIdx.x % 32 == 0);
        SampleOf<Stroke, T> s{};
        const T xc = T(x) + T(0.5), yc = T(y) + T(0.5);
        if constexpr (Stroke::kCurve) {
            if (!wanted) return s;
            const Known& own = of(k);
            const int known = what(own);
            if ((known & kSome) == 0) return s;
            const NearSamples near = samples(known);
            if constexpr (Stroke::kGuided) {
                if ((known & kHasGuess) != 0) {
                    const T step = T(1) / T(Stroke::kSamples);
                    const Guess<T> guess{own.t0, own.by_x, own.by_y, vmax(T(near.first - 1) * step, T(0)),
                                         vmin(T(near.last + 1) * step, T(1))};
                    s = stroke.sample(xc, yc, near, guess);
                } else {
                    NP_COUNT(kCurvePoints, points(stroke, xc, yc, near));
                    s = stroke.sample(xc, yc, near);
                }
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
    // The samples that matter in a number; of a brush that guesses with the guess, else for each quarter. Above three
    // samples' numbers: kMeets, the curve may come near the pixels; kSome, there are such samples.
    static constexpr int kInside = 1 << 15, kHasGuess = 1 << 16, kSome = 1 << 17, kMeets = 1 << 18;
    struct WithGuess {
        int what;
        T t0, by_x, by_y;
    };
    struct Quarters {
        int what[4];
    };
    using Known = std::conditional_t<guesses<Stroke>(), WithGuess, Quarters>;

    // In shared memory, for registers are scarce.
    static __device__ __forceinline__ Known& of(int k) {
        __shared__ Known known[kThreads / 32][Most];
        return known[threadIdx.x / 32][k];
    }
    static __device__ __forceinline__ int& first(Known& known) {
        if constexpr (Stroke::kGuided) {
            return known.what;
        } else {
            return known.what[0];
        }
    }
    // Of the lane's pixel.
    static __device__ __forceinline__ int what(const Known& known) {
        const int lane = threadIdx.x % 32;
        if constexpr (Stroke::kGuided) {
            return known.what;
        } else {
            return known.what[lane % kColumns / (kColumns / 2) + lane / kColumns / (kRows / 2) * 2];
        }
    }
    static __device__ __forceinline__ int packed(const NearSamples& near) {
        return kSome | (near.inside ? kInside : 0) | near.first | near.last << 5 | near.best << 10;
    }
    static __device__ __forceinline__ NearSamples samples(int known) {
        return {known & 31, known >> 5 & 31, known >> 10 & 31, (known & kInside) != 0};
    }

    static __device__ __forceinline__ T middle_x(const Looked<Stroke>& seen) {
        return T(seen.left) + T(0.5 * kColumns);
    }
    static __device__ __forceinline__ T middle_y(const Looked<Stroke>& seen) { return T(seen.top) + T(0.5 * kRows); }

    // Whether the curve comes within reach of these rows there (a pixel more on each side, for rounding).
    static __device__ __forceinline__ bool meets(const Looked<Stroke>& seen) {
        T a, b;
        seen.stroke.rows_span(T(seen.top) + T(0.5), T(seen.top + kRows) - T(0.5), a, b);
        return a <= T(seen.left + kColumns) + T(0.5) && b >= T(seen.left) - T(0.5);
    }
    static __device__ __forceinline__ void guess(const Looked<Stroke>& seen, Known& known) {
        constexpr double half_x = 0.5 * (kColumns - 1), half_y = 0.5 * (kRows - 1);
        const T radius = vsqrt(T(half_x * half_x + half_y * half_y));
        const NearSamples near = samples(known.what);
        Guess<T> guess;
        if (seen.stroke.guess(middle_x(seen), middle_y(seen), T(near.first), T(near.last), T(near.best), radius,
                              guess)) {
            known = {known.what | kHasGuess, guess.t0, guess.by_x, guess.by_y};
        }
    }
    // How many samples of the curve a pixel's takes.
    static __device__ __forceinline__ int points(const Stroke& stroke, T x, T y, const NearSamples& near) {
        const int all = near.last - near.first + 1;
        if (Stroke::kGradient || sizeof(T) == 8) return near.inside && !Stroke::kGradient ? 0 : all;
        return near.inside ? 0 : stroke.distance(x, y, near.best) > stroke.covered_below() ? all + 1 : 1;
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
