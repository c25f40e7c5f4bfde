// Vectors in the 16-byte registers of aarch64. Included by registers.h.
#pragma once

#include <arm_neon.h>

namespace neuralpaint {

constexpr int kRegisters = 32, kRegisterBytes = 16;

// min and max by comparison: NEON's own give NaN where either argument is.
#define NP_NEON_REGISTER(T, N, suffix, native, bits)                                                                 \
    template <>                                                                                                      \
    struct Register<T, N> : PlainRegister<T, N> {                                                                    \
        NP_HD static Raw select(Mask m, Raw a, Raw b) { return (Raw)vbslq_##suffix((bits)m, (native)a, (native)b); } \
        NP_HD static bool any(Mask m) { return vmaxvq_u32((uint32x4_t)m) != 0; }                                     \
        NP_HD static Raw min(Raw a, Raw b) { return select((Mask)vcltq_##suffix((native)a, (native)b), a, b); }      \
        NP_HD static Raw max(Raw a, Raw b) { return select((Mask)vcgtq_##suffix((native)a, (native)b), a, b); }      \
        NP_HD static Raw abs(Raw a) { return (Raw)vabsq_##suffix((native)a); }                                       \
        NP_HD static Raw sqrt(Raw a) { return (Raw)vsqrtq_##suffix((native)a); }                                     \
    };
NP_NEON_REGISTER(float, 4, f32, float32x4_t, uint32x4_t)
NP_NEON_REGISTER(double, 2, f64, float64x2_t, uint64x2_t)
#undef NP_NEON_REGISTER

template <>
struct IntRegister<4> {
    using Raw = vector_t<int32_t, 4>;

    NP_HD static void gather_pairs(const int32_t* table, Raw index, Raw& first, Raw& second) {
        const auto pair = [&](int i) { return vld1_s32(table + 2 * int64_t(index[i])); };
        const int32x4_t low = vcombine_s32(pair(0), pair(1)), high = vcombine_s32(pair(2), pair(3));
        first = (Raw)vuzp1q_s32(low, high);
        second = (Raw)vuzp2q_s32(low, high);
    }
    NP_HD static void store_bytes(uint8_t* p, Raw a) {
        const uint16x4_t words = vmovn_u32((uint32x4_t)a);
        const uint32x2_t bytes = vreinterpret_u32_u8(vmovn_u16(vcombine_u16(words, words)));
        const uint32_t four = vget_lane_u32(bytes, 0);
        std::memcpy(p, &four, sizeof four);
    }
    NP_HD static void store_shorts(uint16_t* p, Raw a) { vst1_u16(p, vmovn_u32((uint32x4_t)a)); }
};

}  // namespace neuralpaint
