// The box filter over an interval, and its derivatives.
#include "common/coverage.h"

#include <algorithm>

#include "tests/check.h"

using neuralpaint::overlap;
using neuralpaint::overlap_grad;

namespace {

double coverage(double d, double r, double softness) { return overlap(d, r, 1 / softness); }

void test_known_values() {
    CHECK_NEAR(coverage(0.0, 5.0, 1.0), 1.0, 0);       // well inside
    CHECK_NEAR(coverage(5.0, 5.0, 1.0), 0.5, 1e-15);   // on the edge
    CHECK_NEAR(coverage(5.5, 5.0, 1.0), 0.0, 1e-15);   // just out of reach
    CHECK_NEAR(coverage(90.0, 5.0, 1.0), 0.0, 0);      // far away
    CHECK_NEAR(coverage(0.0, 0.1, 1.0), 0.2, 1e-15);   // thinner than a pixel: the share it covers
    CHECK_NEAR(coverage(0.0, 0.0, 1.0), 0.0, 0);       // no width, no coverage
    CHECK_NEAR(coverage(7.0, 5.0, 8.0), 0.25, 1e-15);  // a soft edge reaches further
}

// The mean over all distances is the interval's width: antialiasing neither adds nor removes paint.
void test_area_is_kept() {
    for (double r : {0.05, 0.4, 3.0}) {
        for (double softness : {0.5, 1.0, 4.0}) {
            double area = 0;
            const double step = 1e-3;
            for (double d = step / 2; d < r + softness; d += step) area += 2 * step * coverage(d, r, softness);
            CHECK_NEAR(area, 2 * r, 1e-5);
        }
    }
}

void test_derivatives() {
    check::Random random(1);
    for (int i = 0; i < 1000; ++i) {
        const double d = random.uniform(0, 4), r = random.uniform(0, 3), softness = random.uniform(0.2, 3);
        double by_d, by_r;
        overlap_grad(d, r, 1 / softness, by_d, by_r);
        const double h = 1e-7;
        // At a kink the two one-sided slopes differ; either is right.
        const auto between = [](double x, double a, double b) {
            return x >= std::min(a, b) - 1e-5 && x <= std::max(a, b) + 1e-5;
        };
        const double here = coverage(d, r, softness);
        CHECK(between(by_d, (coverage(d + h, r, softness) - here) / h, (here - coverage(d - h, r, softness)) / h));
        CHECK(between(by_r, (coverage(d, r + h, softness) - here) / h, (here - coverage(d, r - h, softness)) / h));
    }
}

}  // namespace

int main() {
    test_known_values();
    test_area_is_kept();
    test_derivatives();
    return check::failures();
}
