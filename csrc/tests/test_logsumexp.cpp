// The vectorisable exp and log against the C library's.
#include "common/logsumexp.h"

#include "tests/check.h"

using neuralpaint::exp_lane;
using neuralpaint::log_lane;
using neuralpaint::no_terms;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kTwoUlp = 2 * DBL_EPSILON;

void test_exp() {
    check::Random random(1);
    for (int i = 0; i < 100000; ++i) {
        const double x = i % 2 ? random.uniform(-708, 709) : random.uniform(-2, 2);
        CHECK_NEAR(exp_lane(x) / std::exp(x), 1, kTwoUlp);
    }
    CHECK_NEAR(exp_lane(0.0), 1, 0);
    // What a log-sum-exp meets: terms far below the largest, and points without mass.
    CHECK_NEAR(exp_lane(-709.0), 0, 0);
    CHECK_NEAR(exp_lane(-1e300), 0, 0);
    CHECK_NEAR(exp_lane(-kInfinity), 0, 0);
    CHECK(std::isfinite(exp_lane(kInfinity)));
}

void test_log() {
    check::Random random(2);
    for (int i = 0; i < 100000; ++i) {
        const double x = i % 2 ? std::exp(random.uniform(-700, 700)) : random.uniform(0.5, 2);
        CHECK_NEAR(log_lane(x) / std::log(x), 1, kTwoUlp);
    }
    CHECK_NEAR(log_lane(1.0), 0, 0);
    CHECK_NEAR(log_lane(DBL_MIN / 1024) / std::log(DBL_MIN / 1024), 1, kTwoUlp);  // denormal
    CHECK(log_lane(0.0) == -kInfinity);
}

// A NaN must reach the caller, who checks for it, and not turn into a number.
void test_nan_passes_through() { CHECK(std::isnan(exp_lane(std::nan("")))); }

void test_empty_sums_shift_to_zero_terms() {
    CHECK(exp_lane(-kInfinity - no_terms<double>()) == 0);
    CHECK(std::isfinite(no_terms<float>()));
}

}  // namespace

int main() {
    test_exp();
    test_log();
    test_nan_passes_through();
    test_empty_sums_shift_to_zero_terms();
    return check::failures();
}
