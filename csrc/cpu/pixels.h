// Walking the pixels under a stroke, SIMD lanes at a time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "common/dispatch.h"
#include "common/lanes.h"

namespace neuralpaint {

template <typename T>
using LanesOf = Lanes<T, kLanes<T>>;

// A real coordinate as a pixel index within [low, high]; NaN becomes low.
template <typename T>
inline int pixel_index(T x, int low, int high) {
    return x > T(low) ? (x < T(high) ? static_cast<int>(x) : high) : low;
}

// Pixels [first, last) of a row or column whose centres may lie in [a, b] (a pixel more on each side, for rounding).
template <typename T>
inline void pixel_range(T a, T b, int low, int high, int& first, int& last) {
    first = pixel_index(std::floor(a - T(0.5)), low, high);
    last = b >= a ? pixel_index(std::ceil(b + T(0.5)), low, high) : first;
    if (last < first) last = first;
}

// A stroke's running sums: geometry, then colours, then opacity.
template <typename Stroke>
constexpr int kTotalSums = Stroke::kSums + decltype(Stroke::paint)::kSums;

// The derivatives by the stroke's numbers, from the sums of its pixels.
template <typename Stroke, typename T>
inline void finish_stroke(const Stroke& stroke, const T* p, const View<T>& view, const T* sums, T* grad) {
    stroke.finish(p, view, sums, grad);
    for (int i = 0; i < decltype(Stroke::paint)::kSums; ++i) grad[Stroke::kShape + i] = sums[Stroke::kSums + i];
}

}  // namespace neuralpaint
