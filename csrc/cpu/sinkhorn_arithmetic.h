#pragma once

// What the Sinkhorn kernels for the CPU compute with: vectors of doubles, padded maps, exponentials, products.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "common/lanes.h"
#include "common/logsumexp.h"
#include "cpu/flush_denormals.h"
#include "cpu/parallel.h"

namespace neuralpaint::cpu::transport {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kSmallestSum = 1e-280;  // a larger sum has lost nothing that counts to underflow
inline constexpr double kLargestShift = 600;    // exp of it, times a sum of kLargestWeight, is finite
inline constexpr double kLargestWeight = 1e30;
inline constexpr double kLargest =
    1e300;  // gradients in float64 are held within this, so that sums of a few stay finite

inline constexpr int64_t kTermsPerTask = 200 * 1000;

inline constexpr int64_t kWidth = kLanes<double>;  // of a vector
using Vector = Lanes<double, kLanes<double>>;
NP_HD Vector load_vector(const double* p) { return load<double, kLanes<double>>(p); }
NP_HD Vector load_vector_once(const double* p) { return load_once<double, kLanes<double>>(p); }

// out[R, V vectors] (+)= a[R, depth] * b[depth, V vectors].
template <int R, int V>
inline void product_tile(const double* a, int64_t a_stride, const double* b, int64_t stride, double* out, int64_t depth,
                         bool accumulate) {
    Vector sum[R][V];
    for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) sum[r][v] = accumulate ? load_vector(out + r * stride + v * kWidth) : Vector(0.0);
    for (int64_t k = 0; k < depth; ++k) {
        Vector right[V];
        for (int v = 0; v < V; ++v) right[v] = load_vector_once(b + k * stride + v * kWidth);
        for (int r = 0; r < R; ++r) {
            const double left = a[r * a_stride + k];
            for (int v = 0; v < V; ++v) sum[r][v] += left * right[v];
        }
    }
    for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) store(out + r * stride + v * kWidth, sum[r][v]);
}

template <int V>
inline void product_columns(const double* a, int64_t a_stride, const double* b, int64_t stride, double* out,
                            int64_t rows, int64_t depth, bool accumulate) {
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4)
        product_tile<4, V>(a + r * a_stride, a_stride, b, stride, out + r * stride, depth, accumulate);
    for (; r < rows; ++r)
        product_tile<1, V>(a + r * a_stride, a_stride, b, stride, out + r * stride, depth, accumulate);
}

// out[rows, stride] (+)= a[rows, depth] * b[depth, stride]; stride is a multiple of kWidth.
inline void product(const double* a, int64_t a_stride, const double* b, int64_t stride, double* out, int64_t rows,
                    int64_t depth, bool accumulate) {
    const int64_t grain = std::max<int64_t>(4, kTermsPerTask / (depth * stride) / 4 * 4);
    parallel_for(0, (rows + 3) / 4, grain / 4, [&](int64_t begin, int64_t end) {
        const FlushDenormals flush;  // kSmallestSum allows for what that loses
        const int64_t first = 4 * begin, count = std::min(rows, 4 * end) - first;
        const double* left = a + first * a_stride;
        double* sums = out + first * stride;
        int64_t c = 0;
        for (; c + 3 * kWidth <= stride; c += 3 * kWidth)
            product_columns<3>(left, a_stride, b + c, stride, sums + c, count, depth, accumulate);
        for (; c < stride; c += kWidth)
            product_columns<1>(left, a_stride, b + c, stride, sums + c, count, depth, accumulate);
    });
}

// Shape of the maps that the passes work on: rows are padded to whole vectors. Padding holds exponents of -infinity.
struct Grid {
    int64_t height, width, stride;
    int64_t size() const { return height * stride; }
};

// The largest of `most` and the terms 0 <= i < count. term(load, i) gives the i-th of them, or as many as a vector
// holds from there on, from what load(p) reads. Not a simd loop: clang does not vectorise the maximum of floating-point
// numbers.
template <typename Term>
inline double largest_of(double most, int64_t count, const Term& term) {
    const auto vector = [](const double* p) { return load_vector(p); };  // its address could not be inlined at -O1
    const auto scalar = [](const double* p) { return *p; };
    Vector several(most);
    int64_t i = 0;
    for (; i + kWidth <= count; i += kWidth) several = vmax(term(vector, i), several);
    for (int lane = 0; lane < kWidth; ++lane) most = vmax(several[lane], most);
    for (; i < count; ++i) most = vmax(term(scalar, i), most);
    return most;
}

inline double largest(const double* values, int64_t count) {
    return largest_of(-kInfinity, count, [&](const auto& load, int64_t i) { return load(values + i); });
}

inline double smallest(const double* values, int64_t count) {
    return -largest_of(-kInfinity, count, [&](const auto& load, int64_t i) { return -load(values + i); });
}

inline double bounded(double value) {
    const double low = value < -kLargest ? -kLargest : value;
    return low > kLargest ? kLargest : low;
}

// values = exp(exponents - shift), and if weights are given weighted = values * weights. Returns the largest
// |weighted|.
inline double exponentials(const double* exponents, const double* weights, double shift, double* values,
                           double* weighted, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) values[i] = exp_lane(exponents[i] - shift);
    if (!weights) return 0;
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) weighted[i] = values[i] * weights[i];
    return largest_of(0, count, [&](const auto& load, int64_t i) { return vabs(load(weighted + i)); });
}

}  // namespace neuralpaint::cpu::transport
