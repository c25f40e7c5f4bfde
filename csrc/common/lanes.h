// SIMD lanes for the host: Lanes<T, N> behaves like a T in the brush maths, N pixels at a time.
#pragma once

#include <cstring>

#include "common/registers.h"
#include "common/scalar.h"

namespace neuralpaint {

template <typename T, int N>
struct Lanes {
    using Raw = vector_t<T, N>;
    Raw v;
    NP_HD Lanes() {}
    NP_HD Lanes(Raw raw) : v(raw) {}
    // Taking zero away leaves every number as it is, -0 too, so that it costs no instruction.
    NP_HD Lanes(T s) : v(s - Raw{}) {}
    NP_HD T operator[](int i) const { return v[i]; }
};

template <typename T, int N>
struct Mask {
    using Raw = typename Register<T, N>::Mask;
    Raw m;
    NP_HD Mask(Raw raw) : m(raw) {}
};

template <int N>
struct IntLanes {
    using Raw = vector_t<int32_t, N>;
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

template <typename T, int N>
NP_HD Mask<T, N> operator<(Lanes<T, N> a, Lanes<T, N> b) {
    return Mask<T, N>(Register<T, N>::less(a.v, b.v));
}
template <typename T, int N>
NP_HD Mask<T, N> operator<=(Lanes<T, N> a, Lanes<T, N> b) {
    return Mask<T, N>(Register<T, N>::less_equal(a.v, b.v));
}
template <typename T, int N>
NP_HD Mask<T, N> operator>(Lanes<T, N> a, Lanes<T, N> b) {
    return b < a;
}
template <typename T, int N>
NP_HD Mask<T, N> operator>=(Lanes<T, N> a, Lanes<T, N> b) {
    return b <= a;
}

template <typename T, int N>
NP_HD Mask<T, N> operator&(Mask<T, N> a, Mask<T, N> b) {
    return Mask<T, N>((typename Mask<T, N>::Raw)(a.m & b.m));
}
template <typename T, int N>
NP_HD Mask<T, N> operator|(Mask<T, N> a, Mask<T, N> b) {
    return Mask<T, N>((typename Mask<T, N>::Raw)(a.m | b.m));
}
template <typename T, int N>
NP_HD bool any(Mask<T, N> m) {
    return Register<T, N>::any(m.m);
}

// NaN: the second argument, of vmin and vmax.
template <typename T, int N>
NP_HD Lanes<T, N> select(Mask<T, N> m, Lanes<T, N> a, Lanes<T, N> b) {
    return Lanes<T, N>(Register<T, N>::select(m.m, a.v, b.v));
}
template <typename T, int N>
NP_HD Lanes<T, N> vmin(Lanes<T, N> a, Lanes<T, N> b) {
    return Lanes<T, N>(Register<T, N>::min(a.v, b.v));
}
template <typename T, int N>
NP_HD Lanes<T, N> vmax(Lanes<T, N> a, Lanes<T, N> b) {
    return Lanes<T, N>(Register<T, N>::max(a.v, b.v));
}
template <typename T, int N>
NP_HD Lanes<T, N> vabs(Lanes<T, N> a) {
    return Lanes<T, N>(Register<T, N>::abs(a.v));
}
template <typename T, int N>
NP_HD Lanes<T, N> vsqrt(Lanes<T, N> a) {
    return Lanes<T, N>(Register<T, N>::sqrt(a.v));
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
    IntRegister<N>::gather_pairs(table, index.v, first.v, second.v);
}

template <typename T, int N>
NP_HD Lanes<T, N> load(const T* p) {
    Lanes<T, N> r;
    std::memcpy(&r.v, p, sizeof(r.v));
    return r;
}
// A load that stays in its register. Compilers would rather read memory again for each use, and the loads, many of them
// across two cache lines, would then take longer than the arithmetic.
template <typename T, int N>
NP_HD Lanes<T, N> load_once(const T* p) {
    Lanes<T, N> r = load<T, N>(p);
#if defined(__AVX__)
    if constexpr (N * sizeof(T) <= kRegisterBytes) asm("" : "+v"(r.v));
#endif
    return r;
}
template <typename T, int N>
NP_HD void store(T* p, Lanes<T, N> a) {
    std::memcpy(p, &a.v, sizeof(a.v));
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
