// A few checks for the unit tests. A failed one prints where and what, and the program goes on; `return failures();`
// at the end of main tells ctest.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>

namespace check {

inline int& failure_count() {
    static int count = 0;
    return count;
}

// Stands before the messages that follow: which of several cases they belong to.
inline const char*& section() {
    static const char* name = "";
    return name;
}

inline int failures() {
    if (failure_count()) std::printf("%d checks failed\n", failure_count());
    return failure_count() ? 1 : 0;
}

inline void expect(bool ok, const char* what, const char* file, int line) {
    if (ok) return;
    ++failure_count();
    std::printf("%s:%d: %s %s\n", file, line, section(), what);
}

// NaN is never near anything.
inline void expect_near(double a, double b, double tolerance, const char* what, const char* file, int line) {
    if (std::fabs(a - b) <= tolerance) return;
    ++failure_count();
    std::printf("%s:%d: %s %s: %.9g and %.9g differ by %.3g > %.3g\n", file, line, section(), what, a, b,
                std::fabs(a - b), tolerance);
}

// Uniform numbers, the same on every machine (the standard's distributions are not).
class Random {
 public:
    explicit Random(uint64_t seed) : state_(seed * 2654435761u + 1) {}
    double uniform(double low = 0, double high = 1) {
        state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
        return low + (high - low) * static_cast<double>(state_ >> 11) * 0x1p-53;
    }

 private:
    uint64_t state_;
};

}  // namespace check

#define CHECK(condition) check::expect(static_cast<bool>(condition), #condition, __FILE__, __LINE__)
#define CHECK_NEAR(a, b, tolerance) check::expect_near(a, b, tolerance, #a " ~ " #b, __FILE__, __LINE__)
