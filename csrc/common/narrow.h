// Lanes stored in fewer bits: bytes, half precision and bfloat16, rounded to the nearest (halves: to even). Doubles are
// rounded to float first, as torch does. NaN stays NaN; its payload depends on the machine.
#pragma once

#include "common/lanes.h"

namespace neuralpaint {

// IEEE binary16, and the upper half of a float.
struct Half {
    uint16_t bits;
};
struct BFloat16 {
    uint16_t bits;
};

// round(255 x) for x in [0, 1]; others are clamped, NaN is 0.
template <typename T, int N>
NP_HD void store_bytes(uint8_t* p, Lanes<T, N> a) {
    const auto x = truncate(vmin(vmax(a, Lanes<T, N>(T(0))), Lanes<T, N>(T(1))) * T(255) + Lanes<T, N>(T(0.5)));
    IntRegister<N>::store_bytes(p, x.v);
}

namespace narrow {

template <typename T, int N>
NP_HD vector_t<float, N> floats(Lanes<T, N> a) {
    return __builtin_convertvector(a.v, vector_t<float, N>);
}

// The bits of halves, where no instruction gives them. A half of exponent e is a multiple q of 2^(e - 10), and so is
// what is left of a float when 2^(e + 13) is added to it: the addition rounds, and its last bits are q. Below 2^-14
// halves keep to that exponent, and from 65536 they are infinite.
template <int N>
NP_HD vector_t<int32_t, N> half_bits(vector_t<float, N> x) {
    using Ints = vector_t<int32_t, N>;
    using Floats = vector_t<float, N>;
    using R = Register<float, N>;
    constexpr int32_t kInfinity = 0x7f800000, kQuiet = 0x200;
    const Ints bits = (Ints)x, size = bits & 0x7fffffff;
    const Floats bounded = R::min((Floats)size, Floats{} + 0x1p16f);  // NaN too
    const Ints exponent = (Ints)R::max((Floats)((Ints)bounded & kInfinity), Floats{} + 0x1p-14f);
    const Ints added = exponent + (13 << 23);
    const Ints q = (Ints)(bounded + (Floats)added) - added;
    // The leading one that q has, but for denormals, counts as one more in the exponent.
    const Ints number = q + (exponent >> 13) - (113 << 10);
    return number | ((size > kInfinity) & kQuiet) | ((bits >> 16) & 0x8000);
}

template <int N>
NP_HD vector_t<int32_t, N> bfloat16_bits(vector_t<float, N> x) {
    using Ints = vector_t<int32_t, N>;
    using Words = vector_t<uint32_t, N>;
    const Words bits = (Words)x;
    const Ints rounded = (Ints)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
    return (Ints)(bits & 0x7fffffffu) > 0x7f800000 ? Ints{} + 0x7fc0 : rounded;
}

}  // namespace narrow

template <typename T, int N>
NP_HD void store_half(Half* p, Lanes<T, N> a) {
    const vector_t<float, N> x = narrow::floats(a);
    if constexpr (N == 2) {
        Half four[4];
        store_half(four, Lanes<float, 4>(vector_t<float, 4>{x[0], x[1]}));
        std::memcpy(p, four, N * sizeof(Half));
        return;
    }
#if defined(__F16C__)
    constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT;
    if constexpr (N == 4) {
        return _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_cvtps_ph((__m128)x, kNearest));
    }
    if constexpr (N == 8) {
        return _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph((__m256)x, kNearest));
    }
#endif
#if defined(NP_AVX512)
    if constexpr (N == 16) {
        return _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph((__m512)x, kNearest));
    }
#endif
#if defined(__aarch64__)
    if constexpr (N == 4) {
        return vst1_u16(&p->bits, vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t)x)));
    }
#endif
    IntRegister<N>::store_shorts(&p->bits, narrow::half_bits<N>(x));
}

template <typename T, int N>
NP_HD void store_bfloat16(BFloat16* p, Lanes<T, N> a) {
    if constexpr (N == 2) {
        const vector_t<float, N> x = narrow::floats(a);
        BFloat16 four[4];
        store_bfloat16(four, Lanes<float, 4>(vector_t<float, 4>{x[0], x[1]}));
        std::memcpy(p, four, N * sizeof(BFloat16));
        return;
    }
    IntRegister<N>::store_shorts(&p->bits, narrow::bfloat16_bits<N>(narrow::floats(a)));
}

}  // namespace neuralpaint
