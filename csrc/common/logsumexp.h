// Pieces of sums of exponentials: exp and log that a compiler can vectorise, and sums shifted by their largest
// exponent.
#pragma once

#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "common/macros.h"

namespace neuralpaint {

// Stands for the largest exponent of a sum that has no terms yet: finite, so that (-infinity) - kNoTerms is -infinity
// and not NaN. No exponent that a transport problem in float64 can reach comes near it.
template <typename T>
NP_HD T no_terms() {
    return T(-FLT_MAX / 4);
}

#if !defined(__CUDACC__)

// exp(x) to about 1 ulp, 0 below -708 (so never denormal), exp(709) above 709. Branch-free, so that a simd loop over it
// becomes vector code: exp(x) = 2^n exp(r) with |r| <= ln 2 / 2 and exp(r) from its Taylor series.
NP_HD double exp_lane(double x) {
    constexpr double kRound = 0x1.8p52;  // added and taken away again, it rounds to a whole number
    constexpr double kLn2High = 0x1.62e42fefa3800p-1, kLn2Low = 0x1.ef35793c76730p-45;
    const double low = x < -708.0 ? -708.0 : x;
    const double bounded = low > 709.0 ? 709.0 : low;
    const double shifted = bounded * 0x1.71547652b82fep0 + kRound;
    const double n = shifted - kRound;
    const double r = (bounded - n * kLn2High) - n * kLn2Low;
    double p = 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    uint64_t exponent, bits;
    std::memcpy(&exponent, &shifted, sizeof exponent);
    std::memcpy(&bits, &p, sizeof bits);
    bits += exponent << 52;  // the low bits of shifted hold n
    double scaled;
    std::memcpy(&scaled, &bits, sizeof scaled);
    return x < -708.0 ? 0.0 : scaled;
}

// log(x) to about 1 ulp for x >= 0 and finite; log(0) is -infinity. Branch-free like exp_lane: x = 2^e m with m in
// [sqrt(1/2), sqrt(2)), and log m = 2 atanh((m - 1) / (m + 1)) from its Taylor series.
NP_HD double log_lane(double x) {
    const bool tiny = x < DBL_MIN;
    const double normal = tiny ? x * 0x1p54 : x;
    uint64_t bits;
    std::memcpy(&bits, &normal, sizeof bits);
    constexpr uint64_t kHalfRoot = 0x3fe6a09e667f3bcd, kMantissa = 0x000fffffffffffff, kOne = 0x3ff0000000000000;
    const uint64_t offset = bits + (kOne - kHalfRoot);
    const uint64_t mantissa = (offset & kMantissa) + kHalfRoot;
    const uint64_t exponent = (offset >> 52) | 0x4330000000000000;  // 2^52 + e + 1023
    double m, e;
    std::memcpy(&m, &mantissa, sizeof m);
    std::memcpy(&e, &exponent, sizeof e);
    e -= 0x1p52 + 1023;
    e -= tiny ? 54.0 : 0.0;
    const double s = (m - 1.0) / (m + 1.0);
    const double z = s * s;
    double p = 2.0 / 21;
    p = p * z + 2.0 / 19;
    p = p * z + 2.0 / 17;
    p = p * z + 2.0 / 15;
    p = p * z + 2.0 / 13;
    p = p * z + 2.0 / 11;
    p = p * z + 2.0 / 9;
    p = p * z + 2.0 / 7;
    p = p * z + 2.0 / 5;
    p = p * z + 2.0 / 3;
    const double value = e * 0x1.62e42fefa3800p-1 + ((2.0 * s + s * z * p) + e * 0x1.ef35793c76730p-45);
    return x > 0.0 ? value : -std::numeric_limits<double>::infinity();
}

#endif

}  // namespace neuralpaint
