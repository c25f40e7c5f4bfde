// Vectors in the registers of x86-64: SSE2 and SSE4.1 at 16 bytes, AVX and AVX2 at 32, AVX-512 at 64. Included by
// registers.h.
#pragma once

// GCC 11 and 12 warn of the values that its own AVX-512 header leaves undefined on purpose.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop

namespace neuralpaint {

// AVX-512 is taken where all of x86-64-v4 is there: some of its first processors lack most of it.
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define NP_AVX512
#endif

// How many vector registers the build has, and how many bytes each of them holds.
#if defined(NP_AVX512)
constexpr int kRegisters = 32, kRegisterBytes = 64;
#elif defined(__AVX__)
constexpr int kRegisters = 16, kRegisterBytes = 32;
#else
constexpr int kRegisters = 16, kRegisterBytes = 16;
#endif

// The single instructions for these; compilers make two or three of the plain forms. NaN: the second argument.
#define NP_X86_ARITHMETIC(T, prefix, suffix, native)                                                                  \
    NP_HD static Raw min(Raw a, Raw b) { return (Raw)prefix##_min_##suffix((native)a, (native)b); }                   \
    NP_HD static Raw max(Raw a, Raw b) { return (Raw)prefix##_max_##suffix((native)a, (native)b); }                   \
    NP_HD static Raw abs(Raw a) { return (Raw)prefix##_andnot_##suffix(prefix##_set1_##suffix(T(-0.0)), (native)a); } \
    NP_HD static Raw sqrt(Raw a) { return (Raw)prefix##_sqrt_##suffix((native)a); }

#define NP_X86_BLEND(prefix, suffix, native)                                   \
    NP_HD static Raw select(Mask m, Raw a, Raw b) {                            \
        return (Raw)prefix##_blendv_##suffix((native)b, (native)a, (native)m); \
    }

#define NP_X86_REGISTER(T, N, prefix, suffix, native, blend)                                 \
    template <>                                                                              \
    struct Register<T, N> : PlainRegister<T, N> {                                            \
        NP_X86_ARITHMETIC(T, prefix, suffix, native)                                         \
        NP_HD static bool any(Mask m) { return prefix##_movemask_##suffix((native)m) != 0; } \
        blend                                                                                \
    };

#if defined(__SSE4_1__)
NP_X86_REGISTER(float, 4, _mm, ps, __m128, NP_X86_BLEND(_mm, ps, __m128))
NP_X86_REGISTER(double, 2, _mm, pd, __m128d, NP_X86_BLEND(_mm, pd, __m128d))
#else
NP_X86_REGISTER(float, 4, _mm, ps, __m128, )
NP_X86_REGISTER(double, 2, _mm, pd, __m128d, )
#endif
#if defined(__AVX__)
NP_X86_REGISTER(float, 8, _mm256, ps, __m256, NP_X86_BLEND(_mm256, ps, __m256))
NP_X86_REGISTER(double, 4, _mm256, pd, __m256d, NP_X86_BLEND(_mm256, pd, __m256d))
#endif

#if defined(NP_AVX512)
// One bit a lane, in the mask registers.
#define NP_X86_REGISTER_512(T, N, suffix, native, mask)                                                               \
    template <>                                                                                                       \
    struct Register<T, N> {                                                                                           \
        using Raw = vector_t<T, N>;                                                                                   \
        using Mask = mask;                                                                                            \
        NP_X86_ARITHMETIC(T, _mm512, suffix, native)                                                                  \
        NP_HD static Mask less(Raw a, Raw b) { return _mm512_cmp_##suffix##_mask((native)a, (native)b, _CMP_LT_OS); } \
        NP_HD static Mask less_equal(Raw a, Raw b) {                                                                  \
            return _mm512_cmp_##suffix##_mask((native)a, (native)b, _CMP_LE_OS);                                      \
        }                                                                                                             \
        NP_HD static Raw select(Mask m, Raw a, Raw b) {                                                               \
            return (Raw)_mm512_mask_blend_##suffix(m, (native)b, (native)a);                                          \
        }                                                                                                             \
        NP_HD static bool any(Mask m) { return m != 0; }                                                              \
    };
NP_X86_REGISTER_512(float, 16, ps, __m512, __mmask16)
NP_X86_REGISTER_512(double, 8, pd, __m512d, __mmask8)
#undef NP_X86_REGISTER_512
#endif

#undef NP_X86_REGISTER
#undef NP_X86_BLEND
#undef NP_X86_ARITHMETIC

template <>
struct IntRegister<4> {
    using Raw = vector_t<int32_t, 4>;

    NP_HD static __m128i load_pair(const int32_t* table, int32_t index) {
        return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(table + 2 * int64_t(index)));
    }
    NP_HD static void gather_pairs(const int32_t* table, Raw index, Raw& first, Raw& second) {
        const __m128i low = _mm_unpacklo_epi32(load_pair(table, index[0]), load_pair(table, index[1]));
        const __m128i high = _mm_unpacklo_epi32(load_pair(table, index[2]), load_pair(table, index[3]));
        first = (Raw)_mm_unpacklo_epi64(low, high);
        second = (Raw)_mm_unpackhi_epi64(low, high);
    }
    NP_HD static void store_bytes(uint8_t* p, Raw a) {
        const __m128i words = _mm_packs_epi32((__m128i)a, (__m128i)a);
        const int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
        std::memcpy(p, &bytes, sizeof bytes);
    }
    NP_HD static void store_shorts(uint16_t* p, Raw a) {
#if defined(__SSE4_1__)
        const __m128i words = _mm_packus_epi32((__m128i)a, (__m128i)a);
#else
        // Only the signed pack is there, which leaves numbers alone that are sign-extended from 16 bits.
        const __m128i extended = _mm_srai_epi32(_mm_slli_epi32((__m128i)a, 16), 16);
        const __m128i words = _mm_packs_epi32(extended, extended);
#endif
        _mm_storel_epi64(reinterpret_cast<__m128i*>(p), words);
    }
};

#if defined(__AVX2__)
template <>
struct IntRegister<8> {
    using Raw = vector_t<int32_t, 8>;

    // Loads of 8 bytes: gather instructions take as long where they are fast, and many times longer on processors that
    // guard them against speculation.
    NP_HD static __m128 load_pairs(const int32_t* table, int32_t i, int32_t j) {
        const auto at = [table](int32_t k) { return reinterpret_cast<const __m64*>(table + 2 * int64_t(k)); };
        return _mm_loadh_pi(_mm_loadl_pi(_mm_setzero_ps(), at(i)), at(j));
    }
    NP_HD static void gather_pairs(const int32_t* table, Raw index, Raw& first, Raw& second) {
        int32_t i[8];
        std::memcpy(i, &index, sizeof i);
        const __m256 even = _mm256_insertf128_ps(_mm256_castps128_ps256(load_pairs(table, i[0], i[1])),
                                                 load_pairs(table, i[4], i[5]), 1);
        const __m256 odd = _mm256_insertf128_ps(_mm256_castps128_ps256(load_pairs(table, i[2], i[3])),
                                                load_pairs(table, i[6], i[7]), 1);
        first = (Raw)_mm256_shuffle_ps(even, odd, 0x88);
        second = (Raw)_mm256_shuffle_ps(even, odd, 0xDD);
    }
    NP_HD static __m128i words(Raw a) {
        return _mm_packus_epi32(_mm256_castsi256_si128((__m256i)a), _mm256_extracti128_si256((__m256i)a, 1));
    }
    NP_HD static void store_bytes(uint8_t* p, Raw a) {
        const __m128i w = words(a);
        _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(w, w));
    }
    NP_HD static void store_shorts(uint16_t* p, Raw a) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), words(a)); }
};
#endif

#if defined(NP_AVX512)
template <>
struct IntRegister<16> {
    using Raw = vector_t<int32_t, 16>;

    NP_HD static void gather_pairs(const int32_t* table, Raw index, Raw& first, Raw& second) {
        const auto* pairs = reinterpret_cast<const long long*>(table);
        const __m512i i = (__m512i)index;
        const __m512i low = _mm512_i32gather_epi64(_mm512_castsi512_si256(i), pairs, 8);
        const __m512i high = _mm512_i32gather_epi64(_mm512_extracti64x4_epi64(i, 1), pairs, 8);
        const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        first = (Raw)_mm512_permutex2var_epi32(low, even, high);
        second = (Raw)_mm512_permutex2var_epi32(low, _mm512_add_epi32(even, _mm512_set1_epi32(1)), high);
    }
    NP_HD static void store_bytes(uint8_t* p, Raw a) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8((__m512i)a));
    }
    NP_HD static void store_shorts(uint16_t* p, Raw a) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16((__m512i)a));
    }
};
#endif

}  // namespace neuralpaint
