// What a processor does to a whole vector at a time. Register<T, N> holds the operations on N floating-point numbers,
// IntRegister<N> those on N int32, over the compilers' vector types (GCC and Clang). Here they are in plain C++, which
// compilers lower to any machine; registers_x86.h and registers_neon.h replace those that have better instructions.
#pragma once

#include <cstdint>
#include <cstring>

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
using vector_t = typename VectorOf<T, N>::type;

// A mask is a vector of integers, all ones where true, unless the machine has registers for masks.
template <typename T, int N>
struct PlainRegister {
    using Raw = vector_t<T, N>;
    using Bits = vector_t<typename LaneInt<T>::type, N>;
    using Mask = Bits;

    NP_HD static Mask less(Raw a, Raw b) { return a < b; }
    NP_HD static Mask less_equal(Raw a, Raw b) { return a <= b; }
    NP_HD static Raw select(Mask m, Raw a, Raw b) { return (Raw)((m & (Bits)a) | (~m & (Bits)b)); }
    NP_HD static bool any(Mask m) {
        typename LaneInt<T>::type r = 0;
        for (int i = 0; i < N; ++i) r |= m[i];
        return r != 0;
    }
    // NaN: the second argument.
    NP_HD static Raw min(Raw a, Raw b) { return select(a < b, a, b); }
    NP_HD static Raw max(Raw a, Raw b) { return select(a > b, a, b); }
    NP_HD static Raw abs(Raw a) { return (Raw)((Bits)a & ~(Bits)(-Raw{})); }
    NP_HD static Raw sqrt(Raw a) {
        Raw r;
        for (int i = 0; i < N; ++i) r[i] = vsqrt(static_cast<T>(a[i]));
        return r;
    }
};

template <typename T, int N>
struct Register : PlainRegister<T, N> {};

template <int N>
struct PlainIntRegister {
    using Raw = vector_t<int32_t, N>;

    // first = table[2 index], second = table[2 index + 1].
    NP_HD static void gather_pairs(const int32_t* table, Raw index, Raw& first, Raw& second) {
        for (int i = 0; i < N; ++i) {
            first[i] = table[2 * index[i]];
            second[i] = table[2 * index[i] + 1];
        }
    }
    // The low bytes of numbers in [0, 255]; the low halves of numbers in [0, 65535].
    NP_HD static void store_bytes(uint8_t* p, Raw a) {
        for (int i = 0; i < N; ++i) p[i] = static_cast<uint8_t>(a[i]);
    }
    NP_HD static void store_shorts(uint16_t* p, Raw a) {
        for (int i = 0; i < N; ++i) p[i] = static_cast<uint16_t>(a[i]);
    }
};

template <int N>
struct IntRegister : PlainIntRegister<N> {};

}  // namespace neuralpaint

#if defined(__x86_64__)
#include "common/registers_x86.h"
#elif defined(__aarch64__)
#include "common/registers_neon.h"
#else
namespace neuralpaint {
constexpr int kRegisters = 16, kRegisterBytes = 16;
}
#endif
