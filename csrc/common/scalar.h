// The small vocabulary that the brush maths is written in, for plain scalars: what a CUDA thread, or a scalar host
// loop, evaluates. lanes.h offers the same vocabulary for SIMD lanes, so that each formula is written once.
#pragma once

#include <cmath>
#include <cstdint>

#include "common/macros.h"

namespace neuralpaint {

// ScalarOf<V>::type is the element type of a value, whether V is a scalar or a pack of lanes.
template <typename V>
struct ScalarOf {
    using type = V;
};

// IntOf<V>::type holds one int32 for every element of V.
template <typename V>
struct IntOf {
    using type = int32_t;
};

template <typename V>
using scalar_t = typename ScalarOf<V>::type;
template <typename V>
using int_t = typename IntOf<V>::type;

NP_HD float vmin(float a, float b) { return a < b ? a : b; }
NP_HD double vmin(double a, double b) { return a < b ? a : b; }
NP_HD float vmax(float a, float b) { return a > b ? a : b; }
NP_HD double vmax(double a, double b) { return a > b ? a : b; }
NP_HD float vabs(float a) { return fabsf(a); }
NP_HD double vabs(double a) { return fabs(a); }
NP_HD float vsqrt(float a) { return sqrtf(a); }
NP_HD double vsqrt(double a) { return sqrt(a); }
NP_HD float vfloor(float a) { return floorf(a); }
NP_HD double vfloor(double a) { return floor(a); }
NP_HD float vceil(float a) { return ceilf(a); }
NP_HD double vceil(double a) { return ceil(a); }

NP_HD float select(bool m, float a, float b) { return m ? a : b; }
NP_HD double select(bool m, double a, double b) { return m ? a : b; }
NP_HD int32_t select(bool m, int32_t a, int32_t b) { return m ? a : b; }
NP_HD bool any(bool m) { return m; }

NP_HD int32_t truncate(float a) { return static_cast<int32_t>(a); }
NP_HD int32_t truncate(double a) { return static_cast<int32_t>(a); }
template <typename V>
NP_HD V from_int(int32_t a) {
    return static_cast<V>(a);
}
// first = table[2 index], second = table[2 index + 1].
NP_HD void gather_pairs(const int32_t* table, int32_t index, int32_t& first, int32_t& second) {
#if defined(__CUDA_ARCH__)
    const int2 pair = __ldg(reinterpret_cast<const int2*>(table) + index);
    first = pair.x;
    second = pair.y;
#else
    first = table[2 * index];
    second = table[2 * index + 1];
#endif
}

template <typename V>
NP_HD V clamp(V x, scalar_t<V> low, scalar_t<V> high) {
    return vmin(vmax(x, V(low)), V(high));
}

// -1, 0 or 1; 0 at 0, so that |x| has the derivative 0 there.
template <typename V>
NP_HD V sign(V x) {
    return select(x > V(0), V(1), V(0)) - select(x < V(0), V(1), V(0));
}

}  // namespace neuralpaint
