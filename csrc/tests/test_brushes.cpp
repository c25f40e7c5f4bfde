// Each brush's maths in double precision: coverage against a brute-force evaluation of its definition, derivatives
// against finite differences, footprints that miss no covered pixel, and SIMD lanes against scalars.
#include <algorithm>
#include <cmath>

#include "common/lanes.h"
#include "common/marker.h"
#include "common/rectangle.h"
#include "common/ribbon.h"
#include "common/round.h"
#include "common/watercolor.h"
#include "tests/strokes.h"

using namespace neuralpaint;

namespace {

constexpr int kSize = 48;
const View<double> kView{44.0, -0.04, 0.03, 1.0};
const RandomAtlas kTextures(32, 8, 9);

template <typename Stroke>
Stroke make(const std::vector<double>& p, const View<double>& view = kView) {
    Stroke stroke;
    stroke.setup(p.data(), view, kTextures.atlas);
    return stroke;
}

double filter(double d, double r, double softness) {
    return std::max(0.0, std::min(d + softness / 2, r) - std::max(d - softness / 2, -r)) / softness;
}

struct Point {
    double x, y;
};

Point curve_point(const std::vector<double>& p, double t, const View<double>& view) {
    const double x1 = p[0] + (p[4] - p[0]) * p[2], y1 = p[1] + (p[5] - p[1]) * p[3], s = 1 - t;
    return {(s * s * p[0] + 2 * s * t * x1 + t * t * p[4] - view.ox) * view.scale,
            (s * s * p[1] + 2 * s * t * y1 + t * t * p[5] - view.oy) * view.scale};
}

// The disc that reaches furthest over the pixel, by trying very many.
double brute_force(const WatercolorStroke<double>*, const std::vector<double>& p, double x, double y) {
    double best = -1e30, d = 0, r = 0;
    for (int k = 0; k <= 4000; ++k) {
        const double t = k / 4000.0;
        const Point b = curve_point(p, t, kView);
        const double distance = std::hypot(x - b.x, y - b.y), radius = ((1 - t) * p[6] + t * p[7]) * kView.scale / 4;
        if (radius - distance > best) {
            best = radius - distance;
            d = distance;
            r = radius;
        }
    }
    return filter(d, r, kView.softness);
}

double brute_force(const MarkerStroke<double>*, const std::vector<double>& p, double x, double y) {
    const Point start = curve_point(p, 0, kView), end = curve_point(p, 1, kView);
    double best = 1e30;
    for (int k = 0; k <= 4000; ++k) {
        const double t = k / 4000.0, h = 1e-5;
        const Point b = curve_point(p, t, kView), after = curve_point(p, t + h, kView),
                    before = curve_point(p, t - h, kView);
        double tx = (after.x - before.x) / (2 * h) + 1e-4 * (end.x - start.x) + 1e-6;
        double ty = (after.y - before.y) / (2 * h) + 1e-4 * (end.y - start.y);
        const double length = std::hypot(tx, ty);
        tx /= length;
        ty /= length;
        const double a = (x - b.x) * tx + (y - b.y) * ty, n = (y - b.y) * tx - (x - b.x) * ty;
        best = std::min(best, std::max(std::fabs(a), std::fabs(n)));
    }
    return filter(best, p[6] * kView.scale / 4, kView.softness);
}

double brute_force(const TapeStroke<double>*, const std::vector<double>& p, double x, double y) {
    const double angle = M_PI * p[4], dx = x - (p[0] - kView.ox) * kView.scale,
                 dy = y - (p[1] - kView.oy) * kView.scale;
    const double u = dx * std::cos(angle) - dy * std::sin(angle), v = dx * std::sin(angle) + dy * std::cos(angle);
    return filter(std::fabs(u), p[2] * kView.scale / 4, kView.softness) *
           filter(std::fabs(v), p[3] * kView.scale / 4, kView.softness);
}

// The disc of the line's nearest point, by trying very many, thinned by the bristles.
double brute_force(const RoundStroke<double>*, const std::vector<double>& p, double x, double y) {
    const double scale = kView.scale, x0 = (p[0] - kView.ox) * scale, y0 = (p[1] - kView.oy) * scale;
    const double cx = (p[2] - p[0]) * scale, cy = (p[3] - p[1]) * scale, length = std::hypot(cx, cy);
    const double r = p[4] * scale / 4, along = ((x - x0) * cx + (y - y0) * cy) / length;
    const double v = std::clamp(((y - y0) * cx - (x - x0) * cy) / length / r, -1.25, 1.25);
    const double way = std::clamp((along + r) / (length + 2 * r), 0.0, 1.0);
    double distance = 1e30;
    for (int k = 0; k <= 4000; ++k) {
        distance = std::min(distance, std::hypot(x - x0 - cx * k / 4000, y - y0 - cy * k / 4000));
    }
    const double rate[] = {3.3, 5.9, 10.7}, phase[] = {6.31, 9.77, 17.23}, depth[] = {0.42, 0.6, 0.5};
    double gap[3], paint = 1;
    for (int k = 0; k < 3; ++k) {
        const double g = std::fmod(rate[k] * (v + 0.13 * v * v + 0.8 * way * (1 - way)) + phase[k], 1.0),
                     mean = 128.0 / 315;
        const double seen = 1 / (1 + std::pow(2 * kView.softness * rate[k] / r, 4));
        gap[k] = mean + seen * (std::pow(4 * g * (1 - g), 4) - mean);
        paint *= 1 - depth[k] * (0.15 + 0.95 * way * way) * gap[k];
    }
    const double radius = r * (1 - (0.08 + 0.5 * way) * 0.5 * (gap[0] + gap[1]));
    return distance > r + 3 + 0.22 * r ? 0 : paint * filter(distance, radius, kView.softness + 0.22 * r);
}

// The texture at the nearest point of the curve, by trying very many; the way along it by Simpson's rule for its speed.
double brute_force(const RibbonStroke<double>* stroke, const std::vector<double>& p, double x, double y) {
    constexpr int kSteps = 20000;
    int nearest = 0;
    double best = 1e30, speed[3];
    for (int k = 0; k <= kSteps; ++k) {
        const Point b = curve_point(p, double(k) / kSteps, kView);
        const double distance = std::hypot(x - b.x, y - b.y);
        if (distance < best) best = distance, nearest = k;
    }
    Point tangent{};
    const auto derivative = [&](double t) {
        const Point after = curve_point(p, t + 0.5, kView), before = curve_point(p, t - 0.5, kView);
        return Point{after.x - before.x, after.y - before.y};
    };
    for (int i = 0; i < 3; ++i) speed[i] = std::hypot(derivative(0.5 * i).x, derivative(0.5 * i).y);
    double way = 0, length = 0;
    for (int k = 0; k < kSteps; ++k) {
        const double t = (k + 0.5) / kSteps;
        const double here = speed[0] * (2 * t - 1) * (t - 1) + speed[1] * 4 * t * (1 - t) + speed[2] * t * (2 * t - 1);
        length += here / kSteps;
        if (k < nearest) way += here / kSteps;
    }
    const double t = double(nearest) / kSteps;
    const Point b = curve_point(p, t, kView);
    tangent = derivative(t);
    const double size = std::hypot(tangent.x, tangent.y), width = p[6] * kView.scale / 2;
    const double across = ((y - b.y) * tangent.x - (x - b.x) * tangent.y) / size;
    const double over = nearest % kSteps ? 0 : ((x - b.x) * tangent.x + (y - b.y) * tangent.y) / size;
    const TexturePoint<double> point = texture_point(stroke->level, way / length, across / width + 0.5);
    return filter(std::fabs(way + over - length / 2), length / 2, kView.softness) *
           filter(std::fabs(across), width / 2, kView.softness) * texture_value(point.coverage, point);
}

template <typename Stroke>
void test_coverage_is_the_definition() {
    check::Random random(11);
    for (int n = 0; n < 6; ++n) {
        const auto p = random_stroke<Stroke>(random);
        const Stroke stroke = make<Stroke>(p);
        for (int i = 0; i < kSize; i += 2) {
            for (int j = n % 2; j < kSize; j += 2) {
                const double x = j + 0.5, y = i + 0.5;
                CHECK_NEAR(stroke.sample(x, y).coverage, brute_force(&stroke, p, x, y), 1e-3);
            }
        }
    }
}

// A weighted sum over the picture that depends on everything a stroke says of a pixel.
struct Probe {
    double weight, by_t, by_ridge;

    Probe(int i, int j) : weight(std::cos(0.3 * i + 0.7 * j)), by_t(std::sin(0.5 * i)), by_ridge(std::cos(0.4 * j)) {}

    template <typename Stroke>
    double value(const Sample<double>& s) const {
        return weight * s.coverage *
               (1 + (Stroke::kGradient ? by_t * s.t : 0) + (Stroke::kRidge ? by_ridge * s.extra : 0));
    }
};

template <typename Stroke>
double probe(const std::vector<double>& p) {
    const Stroke stroke = make<Stroke>(p);
    double total = 0;
    for (int i = 0; i < kSize; ++i) {
        for (int j = 0; j < kSize; ++j) total += Probe(i, j).value<Stroke>(stroke.sample(j + 0.5, i + 0.5));
    }
    return total;
}

template <typename Stroke>
void test_derivatives() {
    check::Random random(12);
    for (int n = 0; n < 4; ++n) {
        auto p = random_stroke<Stroke>(random);
        const Stroke stroke = make<Stroke>(p);
        double sums[Stroke::kSums] = {}, grad[Stroke::kParameters] = {};
        for (int i = 0; i < kSize; ++i) {
            for (int j = 0; j < kSize; ++j) {
                const double x = j + 0.5, y = i + 0.5;
                const auto s = stroke.sample(x, y);
                if (s.coverage <= 0) continue;
                const Probe probe(i, j);
                const double g_coverage = probe.value<Stroke>(s) / s.coverage;
                const double g_t = Stroke::kGradient ? probe.weight * s.coverage * probe.by_t : 0;
                const double g_ridge = Stroke::kRidge ? probe.weight * s.coverage * probe.by_ridge : 0;
                stroke.accumulate(x, y, s, g_coverage, g_t, g_ridge, sums);
            }
        }
        stroke.finish(p.data(), kView, sums, grad);
        double scale = 0;
        for (int k = 0; k < Stroke::kShape; ++k) scale = std::max(scale, std::fabs(grad[k]));
        for (int k = 0; k < Stroke::kShape; ++k) {
            const double h = 1e-6, kept = p[k];
            p[k] = kept + h;
            const double above = probe<Stroke>(p);
            p[k] = kept - h;
            const double below = probe<Stroke>(p);
            p[k] = kept;
            CHECK_NEAR(grad[k], (above - below) / (2 * h), 1e-4 * scale);
        }
    }
}

template <typename Stroke>
void test_footprint_holds_every_covered_pixel() {
    check::Random random(13);
    for (int n = 0; n < 30; ++n) {
        auto p = random_stroke<Stroke>(random);
        if (Stroke::kCurve && n % 2) p[6] = random.uniform(0, 1), p[7] = random.uniform(0, 1);
        if (n == 3) p[4] = Stroke::kCurve ? p[0] : 0.5;  // an upright curve, a quarter turn
        if (n == 5) p[4] = Stroke::kCurve ? p[0] : 0.0, p[5] = p[1];
        const Stroke stroke = make<Stroke>(p);
        const Bounds<double> bounds = stroke.bounds();
        for (int i = 0; i < kSize; ++i) {
            double a, b;
            if constexpr (Stroke::kCurve) {
                stroke.rows_span(i + 0.5, i + 0.5, a, b);
            } else {
                stroke.row_span(i + 0.5, a, b);
            }
            for (int j = 0; j < kSize; ++j) {
                const double x = j + 0.5, y = i + 0.5;
                if (stroke.sample(x, y).coverage <= 1e-9) continue;
                CHECK(x >= bounds.x0 && x <= bounds.x1 && y >= bounds.y0 && y <= bounds.y1);
                CHECK(x >= a - 1e-9 && x <= b + 1e-9);
            }
        }
    }
}

template <typename Stroke>
void test_lanes_agree_with_scalars() {
    using V = Lanes<double, kLanes<double>>;
    check::Random random(14);
    for (int n = 0; n < 4; ++n) {
        const Stroke stroke = make<Stroke>(random_stroke<Stroke>(random));
        for (int i = 0; i < kSize; ++i) {
            for (int j = 0; j < kSize; j += kLanes<double>) {
                const V x = ramp<double, kLanes<double>>(j + 0.5), y(i + 0.5);
                const auto lanes = stroke.sample(x, y);
                for (int k = 0; k < kLanes<double>; ++k) {
                    const auto scalar = stroke.sample(x[k], i + 0.5);
                    CHECK_NEAR(lanes.coverage[k], scalar.coverage, 1e-9);
                    // Where t colours the pixel. A marker's t means nothing inside, where lanes that none needs
                    // are not polished.
                    if (Stroke::kGradient && scalar.coverage > 0) CHECK_NEAR(lanes.t[k], scalar.t, 1e-9);
                }
            }
        }
    }
}

// Strokes of no size, on one point or at opposite ends of the canvas must give finite numbers.
template <typename Stroke>
void test_degenerate_strokes_stay_finite() {
    for (double corner : {0.0, 0.5, 1.0}) {
        for (double size : {0.0, 1.0}) {
            std::vector<double> p(Stroke::kParameters, corner);
            for (int k = 0; k < Stroke::kSizes; ++k) p[Stroke::kSize + k] = size;
            const Stroke stroke = make<Stroke>(p);
            double sums[Stroke::kSums] = {}, grad[Stroke::kParameters] = {};
            for (int i = 0; i < kSize; ++i) {
                for (int j = 0; j < kSize; ++j) {
                    const auto s = stroke.sample(j + 0.5, i + 0.5);
                    CHECK(s.coverage >= 0 && s.coverage <= 1 + 1e-12);
                    CHECK(s.t >= 0 && s.t <= 1);
                    if (s.coverage > 0) stroke.accumulate(j + 0.5, i + 0.5, s, 1.0, 1.0, 1.0, sums);
                }
            }
            stroke.finish(p.data(), kView, sums, grad);
            for (int k = 0; k < Stroke::kShape; ++k) CHECK(std::isfinite(grad[k]));
        }
    }
}

// In single precision too: with the control point on an end the curve stands still there, and its direction is what is
// left of two large terms.
template <typename Stroke, typename Single>
void test_ends_that_stand_still() {
    check::Random random(15);
    const View<float> single{static_cast<float>(kView.scale), static_cast<float>(kView.ox),
                             static_cast<float>(kView.oy), 1.0f};
    const View<double> view{single.scale, single.ox, single.oy, 1.0};
    for (int n = 0; n < 60; ++n) {
        auto p = random_stroke<Stroke>(random);
        p[2] = p[3] = n % 2;
        const std::vector<float> rounded(p.begin(), p.end());
        p.assign(rounded.begin(), rounded.end());
        const Stroke stroke = make<Stroke>(p, view);
        Single other;
        other.setup(rounded.data(), single, TextureAtlas{});
        for (int i = 0; i < kSize; ++i) {
            for (int j = 0; j < kSize; ++j) {
                const float x = static_cast<float>(j) + 0.5f, y = static_cast<float>(i) + 0.5f;
                CHECK_NEAR(stroke.sample(j + 0.5, i + 0.5).coverage, other.sample(x, y).coverage, 1e-3);
            }
        }
    }
}

template <typename Stroke>
void test_brush() {
    test_derivatives<Stroke>();
    test_footprint_holds_every_covered_pixel<Stroke>();
    test_lanes_agree_with_scalars<Stroke>();
    test_degenerate_strokes_stay_finite<Stroke>();
}

// Soft light leaves black and white alone, and moves a mid-tone by a quarter at most.
void test_ridges_shade_like_soft_light() {
    const double colors[] = {0, 1, 0.5, 0, 1, 0.5, 1};
    Paint<double, true, true> paint;
    paint.setup(colors);
    for (double ridge : {0.0, 0.5, 1.0}) {
        const Sample<double> s{1.0, 0.3, ridge};
        CHECK_NEAR(paint.color(0, s), 0, 0);
        CHECK_NEAR(paint.color(1, s), 1, 0);
        CHECK_NEAR(paint.color(2, s), 0.25 + 0.5 * ridge, 1e-15);
    }
}

}  // namespace

int main() {
    check::section() = "oil:";
    test_brush<OilStroke<double>>();
    check::section() = "watercolor:";
    test_ends_that_stand_still<WatercolorStroke<double>, WatercolorStroke<float>>();
    test_coverage_is_the_definition<WatercolorStroke<double>>();
    test_brush<WatercolorStroke<double>>();
    check::section() = "marker:";
    test_ends_that_stand_still<MarkerStroke<double>, MarkerStroke<float>>();
    test_coverage_is_the_definition<MarkerStroke<double>>();
    test_brush<MarkerStroke<double>>();
    check::section() = "tape:";
    test_coverage_is_the_definition<TapeStroke<double>>();
    test_brush<TapeStroke<double>>();
    check::section() = "round:";
    test_coverage_is_the_definition<RoundStroke<double>>();
    test_brush<RoundStroke<double>>();
    check::section() = "ribbon:";
    test_coverage_is_the_definition<RibbonStroke<double>>();
    test_brush<RibbonStroke<double>>();
    check::section() = "ridges:";
    test_ridges_shade_like_soft_light();
    return check::failures();
}
