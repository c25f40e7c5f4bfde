// Denormal results and operands are zero while a FlushDenormals lives, and only then.
#include <cfloat>

#include "cpu/flush_denormals.h"
#include "tests/check.h"

namespace {

double half(double value) {
    volatile double x = value;
    x = x * 0.5;
    return x;
}
double twice(double value) {
    volatile double x = value;
    x = x * 2.0;
    return x;
}

}  // namespace

int main() {
    volatile double least = DBL_MIN;
    const double denormal = half(least);
    CHECK(denormal > 0);
    {
        const neuralpaint::cpu::FlushDenormals flush;
        CHECK(half(least) == 0);
        CHECK(half(2 * least) == least);
        CHECK(twice(denormal) == 0);
        {
            const neuralpaint::cpu::FlushDenormals again;
            CHECK(half(least) == 0);
        }
        CHECK(half(least) == 0);
        {
            const neuralpaint::cpu::KeepDenormals keep;
            CHECK(half(least) == denormal);
            CHECK(twice(denormal) == least);
        }
        CHECK(half(least) == 0);
    }
    CHECK(half(least) == denormal);
    CHECK(twice(denormal) == least);
    return check::failures();
}
