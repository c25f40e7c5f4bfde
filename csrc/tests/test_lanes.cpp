// Every function of lanes.h and narrow.h against plain loops, in vectors as wide as the machine's, narrower and wider
// (which the compiler splits), for ordinary numbers and for signed zeros, denormals, infinities and NaN.
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wpsabi"  // vectors wider than the machine's: all calls here are inlined
#endif

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "common/lanes.h"
#include "common/narrow.h"
#include "tests/check.h"

using namespace neuralpaint;

namespace {

template <typename T>
std::vector<T> special_numbers() {
    using Limits = std::numeric_limits<T>;
    std::vector<T> numbers{0,
                           T(0.25),
                           1,
                           T(1.5),
                           3,
                           T(1e-20),
                           T(1e6),
                           Limits::min(),
                           Limits::max(),
                           Limits::denorm_min(),
                           Limits::min() / 2,
                           Limits::infinity(),
                           Limits::quiet_NaN()};
    for (size_t i = 0, count = numbers.size(); i < count; ++i) numbers.push_back(-numbers[i]);
    return numbers;
}

template <typename T>
bool same_bits(T a, T b) {
    return std::memcmp(&a, &b, sizeof(T)) == 0;
}
template <typename T>
bool same(T a, T b) {
    return same_bits(a, b) || (std::isnan(a) && std::isnan(b));
}

// Calls f(a, b, A, B): arrays of N numbers, and lanes of them; every special number meets every other one in every
// lane.
template <typename T, int N, typename F>
void for_pairs(F&& f) {
    const std::vector<T> numbers = special_numbers<T>();
    const size_t count = numbers.size();
    for (size_t s = 0; s < count; ++s) {
        for (size_t u = 0; u < count; ++u) {
            T a[N + 1], b[N + 1];  // one off from where they are aligned
            for (size_t i = 0; i < N; ++i) {
                a[i + 1] = numbers[(s + i) % count];
                b[i + 1] = numbers[(u + 5 * i) % count];
            }
            f(a + 1, b + 1, load<T, N>(a + 1), load<T, N>(b + 1));
        }
    }
}

template <typename T, int N, typename F>
bool all_lanes(Lanes<T, N> v, F&& expected, bool bits = false) {
    T stored[N + 2];
    stored[0] = stored[N + 1] = T(7);
    store(stored + 1, v);
    bool ok = stored[0] == T(7) && stored[N + 1] == T(7);
    for (int i = 0; i < N; ++i) {
        const T e = expected(i);
        ok = ok && (bits ? same_bits(stored[i + 1], e) : same(stored[i + 1], e)) && same_bits(v[i], stored[i + 1]);
    }
    return ok;
}

template <int N, typename F>
bool all_ints(IntLanes<N> v, F&& expected) {
    bool ok = true;
    for (int i = 0; i < N; ++i) ok = ok && v.v[i] == expected(i);
    return ok;
}

template <typename T, int N>
void test_arithmetic() {
    using V = Lanes<T, N>;
    for_pairs<T, N>([](const T* a, const T* b, V va, V vb) {
        CHECK(all_lanes(va + vb, [&](int i) { return a[i] + b[i]; }));
        CHECK(all_lanes(va - vb, [&](int i) { return a[i] - b[i]; }));
        CHECK(all_lanes(va * vb, [&](int i) { return a[i] * b[i]; }));
        CHECK(all_lanes(va / vb, [&](int i) { return a[i] / b[i]; }));
        CHECK(all_lanes(va + b[0], [&](int i) { return a[i] + b[0]; }));
        CHECK(all_lanes(va - b[0], [&](int i) { return a[i] - b[0]; }));
        CHECK(all_lanes(va * b[0], [&](int i) { return a[i] * b[0]; }));
        CHECK(all_lanes(va / b[0], [&](int i) { return a[i] / b[0]; }));
        CHECK(all_lanes(a[0] + vb, [&](int i) { return a[0] + b[i]; }));
        CHECK(all_lanes(a[0] - vb, [&](int i) { return a[0] - b[i]; }));
        CHECK(all_lanes(a[0] * vb, [&](int i) { return a[0] * b[i]; }));
        CHECK(all_lanes(a[0] / vb, [&](int i) { return a[0] / b[i]; }));
        CHECK(all_lanes(-va, [&](int i) { return -a[i]; }));
        V sum = va, difference = va;
        sum += vb;
        difference -= vb;
        CHECK(all_lanes(sum, [&](int i) { return a[i] + b[i]; }));
        CHECK(all_lanes(difference, [&](int i) { return a[i] - b[i]; }));
        CHECK(all_lanes(V(a[0]), [&](int) { return a[0]; }, true));
        CHECK(all_lanes(load_once<T, N>(a), [&](int i) { return a[i]; }, true));
        CHECK(all_lanes(vabs(va), [&](int i) { return std::fabs(a[i]); }, true));
        CHECK(all_lanes(vsqrt(va), [&](int i) { return std::sqrt(a[i]); }));
        // Of equal zeros, and where there is a NaN: the second.
        CHECK(all_lanes(vmin(va, vb), [&](int i) { return a[i] < b[i] ? a[i] : b[i]; }, true));
        CHECK(all_lanes(vmax(va, vb), [&](int i) { return a[i] > b[i] ? a[i] : b[i]; }, true));
        CHECK(all_lanes(sign(va), [&](int i) { return T(a[i] > 0) - T(a[i] < 0); }));
        CHECK(all_lanes(clamp(va, T(0), T(1)), [&](int i) { return a[i] > 0 ? (a[i] < 1 ? a[i] : T(1)) : T(0); }));
    });
}

template <typename T, int N>
void test_masks() {
    using V = Lanes<T, N>;
    for_pairs<T, N>([](const T* a, const T* b, V va, V vb) {
        const auto check = [&](Mask<T, N> mask, auto&& holds) {
            bool some = false;
            for (int i = 0; i < N; ++i) some = some || holds(i);
            CHECK(any(mask) == some);
            CHECK(all_lanes(select(mask, va, vb), [&](int i) { return holds(i) ? a[i] : b[i]; }, true));
            CHECK(all_lanes(select(mask, V(1), V(0)), [&](int i) { return T(holds(i)); }, true));
        };
        check(va < vb, [&](int i) { return a[i] < b[i]; });
        check(va <= vb, [&](int i) { return a[i] <= b[i]; });
        check(va > vb, [&](int i) { return a[i] > b[i]; });
        check(va >= vb, [&](int i) { return a[i] >= b[i]; });
        check((va < vb) & (va > V(0)), [&](int i) { return a[i] < b[i] && a[i] > 0; });
        check((va < vb) | (va > V(0)), [&](int i) { return a[i] < b[i] || a[i] > 0; });
    });
    CHECK(!any(V(0) > V(0)));
    CHECK(any(V(0) >= V(0)));
    for (int lane = 0; lane < N; ++lane) {
        T one[N] = {};
        one[lane] = T(1);
        const V v = load<T, N>(one);
        CHECK(any(v > V(0)));
        CHECK(any((v > V(0)) & (v <= V(1))));
        CHECK(!any((v > V(0)) & (v > V(1))));
        CHECK(!any(v > V(1)));
        CHECK(all_lanes(select(v > V(0), V(5), V(-0.0)), [&](int i) { return i == lane ? T(5) : T(-0.0); }, true));
    }
}

template <typename T, int N>
void test_integers() {
    using V = Lanes<T, N>;
    check::Random random(21);
    int32_t table[128];
    for (int32_t& entry : table) entry = static_cast<int32_t>(random.uniform(-2147483648.0, 2147483648.0));
    for (int n = 0; n < 200; ++n) {
        T x[N];
        int32_t index[N];
        for (int i = 0; i < N; ++i) {
            x[i] = static_cast<T>(random.uniform(-1e6, 1e6));
            index[i] = static_cast<int32_t>(random.uniform(0, 63));
            if (n % 2) index[i] |= 1;
        }
        const V v = load<T, N>(x);
        const IntLanes<N> whole = truncate(v);
        CHECK(all_ints(whole, [&](int i) { return static_cast<int32_t>(x[i]); }));
        CHECK(all_lanes(from_int<V>(whole), [&](int i) { return static_cast<T>(static_cast<int32_t>(x[i])); }));
        IntLanes<N> at, first, second;
        std::memcpy(&at.v, index, sizeof index);
        CHECK(all_ints(at + whole, [&](int i) { return index[i] + static_cast<int32_t>(x[i]); }));
        CHECK(all_ints(whole * 13, [&](int i) { return static_cast<int32_t>(x[i]) * 13; }));
        CHECK(all_ints(whole >> 3, [&](int i) { return static_cast<int32_t>(x[i]) >> 3; }));
        CHECK(all_ints(whole & 255, [&](int i) { return static_cast<int32_t>(x[i]) & 255; }));
        CHECK(all_ints(IntLanes<N>(n), [&](int) { return n; }));
        gather_pairs(table, at, first, second);
        CHECK(all_ints(first, [&](int i) { return table[2 * index[i]]; }));
        CHECK(all_ints(second, [&](int i) { return table[2 * index[i] + 1]; }));
        // Indices count from where the table starts, and may be negative.
        gather_pairs(table + 64, at + IntLanes<N>(-32), first, second);
        CHECK(all_ints(first, [&](int i) { return table[2 * index[i]]; }));
        CHECK(all_ints(second, [&](int i) { return table[2 * index[i] + 1]; }));
        T total = 0;
        for (int i = 0; i < N; ++i) total += x[i];
        CHECK(same_bits(sum(v), total));
        CHECK(all_lanes(ramp<T, N>(T(n) + T(0.5)), [&](int i) { return T(n) + T(0.5) + T(i); }));
    }
}

// N numbers at a time through `store`, and each result held against `expected`.
template <typename T, int N, typename Out, typename Store, typename Expected>
void check_stored(const std::vector<T>& numbers, Store&& store_lanes, Expected&& expected) {
    for (size_t start = 0; start < numbers.size(); start += N) {
        T x[N];
        Out out[N + 2];
        std::memset(out, 0xa5, sizeof out);
        const Out border = out[0];
        for (size_t i = 0; i < N; ++i) x[i] = numbers[(start + i) % numbers.size()];
        store_lanes(out + 1, load<T, N>(x));
        CHECK(std::memcmp(&out[0], &border, sizeof border) == 0 &&
              std::memcmp(&out[N + 1], &border, sizeof border) == 0);
        for (int i = 0; i < N; ++i) CHECK(expected(x[i], out[i + 1]));
    }
}

template <typename T, int N>
void test_bytes() {
    std::vector<T> numbers = special_numbers<T>();
    for (int k = 0; k <= 255; ++k) {
        for (double off : {-0.499, -0.2, 0.0, 0.3, 0.499}) numbers.push_back(static_cast<T>((k + off) / 255));
    }
    check_stored<T, N, uint8_t>(
        numbers, [](uint8_t* p, Lanes<T, N> v) { store_bytes(p, v); },
        [](T x, uint8_t byte) {
            const double inside = x > 0 ? std::min(double(x), 1.0) : 0;
            return byte == static_cast<int>(inside * 255 + 0.5);
        });
}

// The nearest number of `digits` binary digits, ties to even, of exponent `least` or above: what rounding to a narrower
// format means.
double nearest(double x, int digits, int least) {
    if (x == 0 || !std::isfinite(x)) return x;
    const int exponent = std::max(std::ilogb(x), least) - (digits - 1);
    return std::ldexp(std::nearbyint(std::ldexp(x, -exponent)), exponent);
}

double value_of(Half h) {
    const int exponent = h.bits >> 10 & 31, fraction = h.bits & 1023;
    const double size = exponent == 31  ? (fraction ? NAN : INFINITY)
                        : exponent == 0 ? std::ldexp(fraction, -24)
                                        : std::ldexp(1024 + fraction, exponent - 25);
    return h.bits >> 15 ? -size : size;
}

double value_of(BFloat16 b) {
    const uint32_t bits = uint32_t(b.bits) << 16;
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

// The number itself, its sign and, for NaN, that it is one.
template <typename Narrow>
bool stores(double expected, Narrow stored) {
    const double value = value_of(stored);
    if (std::isnan(expected)) return std::isnan(value);
    return value == expected && std::signbit(value) == std::signbit(expected);
}

// Of all bfloat16 and halves: the number, halfway to the next one, and either side of that.
template <typename Narrow>
std::vector<float> around_all() {
    std::vector<float> numbers;
    for (int bits = 0; bits < 65536; ++bits) {
        const Narrow narrow{static_cast<uint16_t>(bits)}, next{static_cast<uint16_t>(bits + 1)};
        const float x = static_cast<float>(value_of(narrow));
        numbers.push_back(x);
        float tie = static_cast<float>((value_of(narrow) + value_of(next)) / 2);
        if (std::isinf(tie) && std::isfinite(x))
            tie = x + (x - static_cast<float>(value_of(Narrow{uint16_t(bits - 1)}))) / 2;
        if (!std::isfinite(tie)) continue;
        numbers.insert(numbers.end(), {tie, std::nextafter(tie, -INFINITY), std::nextafter(tie, INFINITY)});
    }
    for (float x : special_numbers<float>()) numbers.push_back(x);
    check::Random random(22);
    for (int n = 0; n < 20000; ++n) {
        numbers.push_back(
            static_cast<float>(std::ldexp(random.uniform(-1, 1), static_cast<int>(random.uniform(-30, 20)))));
    }
    return numbers;
}

template <typename T, int N>
void test_halves() {
    static const std::vector<float> floats = around_all<Half>();
    std::vector<T> numbers(floats.begin(), floats.end());
    // To float first, which makes a tie of a double just beside one.
    if (sizeof(T) == 8) numbers.insert(numbers.end(), {T(1 + 0x1p-11 + 0x1p-40), T(1e300), T(-1e300), T(1e-300)});
    check_stored<T, N, Half>(
        numbers, [](Half* p, Lanes<T, N> v) { store_half(p, v); },
        [](T x, Half h) {
            const double rounded = nearest(static_cast<float>(x), 11, -14);
            return stores(std::fabs(rounded) > 65504 ? std::copysign(INFINITY, rounded) : rounded, h);
        });
    for (const auto& [from, to] : {std::pair<uint32_t, int>{0x7fc00000, 0x7e00}, {0xffc00000, 0xfe00}}) {
        float nan;
        std::memcpy(&nan, &from, sizeof nan);
        Half out[N];
        store_half(out, Lanes<float, N>(nan));
        for (const Half h : out) CHECK(h.bits == to);
    }
}

template <typename T, int N>
void test_bfloat16() {
    static const std::vector<float> floats = around_all<BFloat16>();
    std::vector<T> numbers(floats.begin(), floats.end());
    if (sizeof(T) == 8) numbers.insert(numbers.end(), {T(1 + 0x1p-8 + 0x1p-40), T(1e300), T(-1e300), T(1e-300)});
    check_stored<T, N, BFloat16>(
        numbers, [](BFloat16* p, Lanes<T, N> v) { store_bfloat16(p, v); },
        [](T x, BFloat16 b) {
            if (std::isnan(x)) return b.bits == 0x7fc0;
            return stores(static_cast<float>(nearest(static_cast<float>(x), 8, -126)), b);
        });
}

template <typename T, int N>
void test_lanes() {
    test_arithmetic<T, N>();
    test_masks<T, N>();
    test_integers<T, N>();
    test_bytes<T, N>();
    test_halves<T, N>();
    test_bfloat16<T, N>();
}

}  // namespace

int main() {
    check::section() = "float:";
    test_lanes<float, 4>();
    test_lanes<float, 8>();
    test_lanes<float, 16>();
    check::section() = "double:";
    test_lanes<double, 2>();
    test_lanes<double, 4>();
    test_lanes<double, 8>();
    return check::failures();
}
