#pragma once

#include "cuda_runtime.h"

struct __half {
    uint16_t bits;
};
// To the nearest, ties to even; of finite numbers that are not too large.
inline __half __float2half_rn(float x) {
    const auto bits = static_cast<uint32_t>(emulation::bits_of(x)), magnitude = bits & 0x7fffffffu;
    const uint32_t small = static_cast<uint32_t>(std::nearbyint(std::ldexp(std::fabs(x), 24)));  // below 2^-14
    const uint32_t normal = ((magnitude + 0xfff + ((magnitude >> 13) & 1)) >> 13) - (112u << 10);
    return {static_cast<uint16_t>((bits >> 16 & 0x8000u) | (magnitude < 0x38800000u ? small : normal))};
}
