// SIMD lanes for the host: Lanes<T, N> behaves like a T in the brush maths, N pixels at a time. Built on the compilers'
// vector types (GCC and Clang), which lower to AVX-512, AVX2, NEON or SSE, whichever the build allows.
#pragma once

#include <cstring>
#if defined(__AVX__)
#include <immintrin.h>
#endif

#include "common/scalar.h"

namespace neuralpaint {

template <typename T>
struct LaneInt;
template <>
struct LaneInt<float> {
    using type = int32_t;
};
template <>
struct LaneInt<double> {
    using type = int64_t;
};

// The compiler's vector of N elements of T.
template <typename T, int N>
struct VectorOf {
    typedef T type __attribute__((vector_size(N * sizeof(T))));
};

template <typename T, int N>
struct Lanes {
    using Raw = typename VectorOf<T, N>::type;
    Raw v;
    NP_HD Lanes() {}
    NP_HD Lanes(Raw raw) : v(raw) {}
    NP_HD Lanes(T s) : v(Raw{} + s) {}
    NP_HD T operator[](int i) const { return v[i]; }
};

template <typename T, int N>
struct Mask {
    using Raw = typename VectorOf<typename LaneInt<T>::type, N>::type;
    Raw m;
    NP_HD Mask(Raw raw) : m(raw) {}
};

template <int N>
struct IntLanes {
    using Raw = typename VectorOf<int32_t, N>::type;
    Raw v;
    NP_HD IntLanes() {}
    NP_HD IntLanes(Raw raw) : v(raw) {}
    NP_HD IntLanes(int32_t s) : v(Raw{} + s) {}
};

template <typename T, int N>
struct ScalarOf<Lanes<T, N>> {
    using type = T;
};
template <typename T, int N>
struct IntOf<Lanes<T, N>> {
    using type = IntLanes<N>;
};

// How many lanes of T the build's registers hold.
#if defined(__AVX512F__)
constexpr int kRegisterBytes = 64;
#elif defined(__AVX__)
constexpr int kRegisterBytes = 32;
#else
constexpr int kRegisterBytes = 16;
#endif
template <typename T>
constexpr int kLanes = kRegisterBytes / static_cast<int>(sizeof(T));

#define NP_LANES_OP(op)                                           \
    template <typename T, int N>                                  \
    NP_HD Lanes<T, N> operator op(Lanes<T, N> a, Lanes<T, N> b) { \
        return Lanes<T, N>(a.v op b.v);                           \
    }                                                             \
    template <typename T, int N>                                  \
    NP_HD Lanes<T, N> operator op(Lanes<T, N> a, T b) {           \
        return Lanes<T, N>(a.v op b);                             \
    }                                                             \
    template <typename T, int N>                                  \
    NP_HD Lanes<T, N> operator op(T a, Lanes<T, N> b) {           \
        return Lanes<T, N>(a op b.v);                             \
    }
NP_LANES_OP(+)
NP_LANES_OP(-)
NP_LANES_OP(*)
NP_LANES_OP(/)
#undef NP_LANES_OP

template <typename T, int N>
NP_HD Lanes<T, N> operator-(Lanes<T, N> a) {
    return Lanes<T, N>(-a.v);
}
template <typename T, int N>
NP_HD Lanes<T, N>& operator+=(Lanes<T, N>& a, Lanes<T, N> b) {
    a.v += b.v;
    return a;
}
template <typename T, int N>
NP_HD Lanes<T, N>& operator-=(Lanes<T, N>& a, Lanes<T, N> b) {
    a.v -= b.v;
    return a;
}

#define NP_MASK_OP(op)                                           \
    template <typename T, int N>                                 \
    NP_HD Mask<T, N> operator op(Lanes<T, N> a, Lanes<T, N> b) { \
        return Mask<T, N>(a.v op b.v);                           \
    }
NP_MASK_OP(<)
NP_MASK_OP(>)
NP_MASK_OP(<=)
NP_MASK_OP(>=)
#undef NP_MASK_OP

template <typename T, int N>
NP_HD Mask<T, N> operator&(Mask<T, N> a, Mask<T, N> b) {
    return Mask<T, N>(a.m & b.m);
}
template <typename T, int N>
NP_HD Mask<T, N> operator|(Mask<T, N> a, Mask<T, N> b) {
    return Mask<T, N>(a.m | b.m);
}

// Compilers turn the plain forms into a comparison and a blend (of two comparisons, for select); the instructions do it
// in one. NaN: the second argument, in all of them.
#if defined(__AVX__)
#define NP_AVX(single, twice)                                                                  \
    if constexpr (sizeof(T) * N == 32) {                                                       \
        if constexpr (sizeof(T) == 4) return Lanes<T, N>((typename Lanes<T, N>::Raw)(single)); \
        if constexpr (sizeof(T) == 8) return Lanes<T, N>((typename Lanes<T, N>::Raw)(twice));  \
    }
#else
#define NP_AVX(single, twice)
#endif

template <typename T, int N>
NP_HD Lanes<T, N> select(Mask<T, N> m, Lanes<T, N> a, Lanes<T, N> b) {
    NP_AVX(_mm256_blendv_ps((__m256)b.v, (__m256)a.v, (__m256)m.m),
           _mm256_blendv_pd((__m256d)b.v, (__m256d)a.v, (__m256d)m.m))
    return Lanes<T, N>(m.m ? a.v : b.v);
}
template <typename T, int N>
NP_HD Lanes<T, N> vmin(Lanes<T, N> a, Lanes<T, N> b) {
    NP_AVX(_mm256_min_ps((__m256)a.v, (__m256)b.v), _mm256_min_pd((__m256d)a.v, (__m256d)b.v))
    return Lanes<T, N>(a.v < b.v ? a.v : b.v);
}
template <typename T, int N>
NP_HD Lanes<T, N> vmax(Lanes<T, N> a, Lanes<T, N> b) {
    NP_AVX(_mm256_max_ps((__m256)a.v, (__m256)b.v), _mm256_max_pd((__m256d)a.v, (__m256d)b.v))
    return Lanes<T, N>(a.v > b.v ? a.v : b.v);
}
template <typename T, int N>
NP_HD Lanes<T, N> vabs(Lanes<T, N> a) {
    NP_AVX(_mm256_andnot_ps(_mm256_set1_ps(-0.0f), (__m256)a.v), _mm256_andnot_pd(_mm256_set1_pd(-0.0), (__m256d)a.v))
    return vmax(a, -a);
}

template <typename T, int N>
NP_HD Lanes<T, N> vsqrt(Lanes<T, N> a) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) * N == 64) {
        if constexpr (sizeof(T) == 4) {
            return Lanes<T, N>((typename Lanes<T, N>::Raw)_mm512_sqrt_ps((__m512)a.v));
        } else {
            return Lanes<T, N>((typename Lanes<T, N>::Raw)_mm512_sqrt_pd((__m512d)a.v));
        }
    }
#endif
    NP_AVX(_mm256_sqrt_ps((__m256)a.v), _mm256_sqrt_pd((__m256d)a.v))
    Lanes<T, N> r;
    for (int i = 0; i < N; ++i) r.v[i] = vsqrt(static_cast<T>(a.v[i]));
    return r;
}

#undef NP_AVX

template <typename T, int N>
NP_HD bool any(Mask<T, N> m) {
#if defined(__AVX__)
    if constexpr (sizeof(T) * N == 32) return !_mm256_testz_si256((__m256i)m.m, (__m256i)m.m);
#endif
    typename LaneInt<T>::type r = 0;
    for (int i = 0; i < N; ++i) r |= m.m[i];
    return r != 0;
}

template <typename T, int N>
NP_HD IntLanes<N> truncate(Lanes<T, N> a) {
    return IntLanes<N>(__builtin_convertvector(a.v, typename IntLanes<N>::Raw));
}
template <typename V, int N>
NP_HD V from_int(IntLanes<N> a) {
    return V(__builtin_convertvector(a.v, typename V::Raw));
}
template <int N>
NP_HD IntLanes<N> operator+(IntLanes<N> a, IntLanes<N> b) {
    return IntLanes<N>(a.v + b.v);
}
template <int N>
NP_HD IntLanes<N> operator*(IntLanes<N> a, int32_t b) {
    return IntLanes<N>(a.v * b);
}
template <int N>
NP_HD IntLanes<N> operator>>(IntLanes<N> a, int b) {
    return IntLanes<N>(a.v >> b);
}
template <int N>
NP_HD IntLanes<N> operator&(IntLanes<N> a, int32_t b) {
    return IntLanes<N>(a.v & b);
}
// first = table[2 index], second = table[2 index + 1].
template <int N>
NP_HD void gather_pairs(const int32_t* table, IntLanes<N> index, IntLanes<N>& first, IntLanes<N>& second) {
#if defined(__AVX2__)
    if constexpr (N == 8) {
        const auto* pairs = reinterpret_cast<const long long*>(table);
        const __m256i i = (__m256i)index.v;
        const __m256 low = (__m256)_mm256_i32gather_epi64(pairs, _mm256_castsi256_si128(i), 8);
        const __m256 high = (__m256)_mm256_i32gather_epi64(pairs, _mm256_extracti128_si256(i, 1), 8);
        const auto in_order = [](__m256 x) {
            return (typename IntLanes<N>::Raw)_mm256_permute4x64_epi64((__m256i)x, 0xD8);
        };
        first = IntLanes<N>(in_order(_mm256_shuffle_ps(low, high, 0x88)));
        second = IntLanes<N>(in_order(_mm256_shuffle_ps(low, high, 0xDD)));
        return;
    }
#endif
    for (int i = 0; i < N; ++i) {
        first.v[i] = table[2 * index.v[i]];
        second.v[i] = table[2 * index.v[i] + 1];
    }
}

template <typename T, int N>
NP_HD Lanes<T, N> load(const T* p) {
    Lanes<T, N> r;
    std::memcpy(&r.v, p, sizeof(r.v));
    return r;
}
template <typename T, int N>
NP_HD void store(T* p, Lanes<T, N> a) {
    std::memcpy(p, &a.v, sizeof(a.v));
}
// round(255 x) for x in [0, 1]; others are clamped, NaN is 0.
template <typename T, int N>
NP_HD void store_bytes(uint8_t* p, Lanes<T, N> a) {
    const auto x = truncate(vmin(vmax(a, Lanes<T, N>(T(0))), Lanes<T, N>(T(1))) * T(255) + Lanes<T, N>(T(0.5)));
#if defined(__AVX2__)
    if constexpr (N == 8) {
        const __m256i i = (__m256i)x.v;
        const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(i), _mm256_extracti128_si256(i, 1));
        _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
        return;
    }
#endif
    for (int i = 0; i < N; ++i) p[i] = static_cast<uint8_t>(x.v[i]);
}
// start, start + 1, start + 2, ...
template <typename T, int N>
NP_HD Lanes<T, N> ramp(T start) {
    typename Lanes<T, N>::Raw steps;
    for (int i = 0; i < N; ++i) steps[i] = static_cast<T>(i);
    return Lanes<T, N>(steps) + Lanes<T, N>(start);
}
// The sum over the lanes, always in the same order.
template <typename T, int N>
NP_HD T sum(Lanes<T, N> a) {
    T r = 0;
    for (int i = 0; i < N; ++i) r += a.v[i];
    return r;
}

}  // namespace neuralpaint
