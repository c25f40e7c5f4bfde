// What the kernels compute, by plain loops in double precision: one pixel and one stroke at a time, all pairs of
// pixels.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/dispatch.h"
#include "common/shapes.h"
#include "tests/check.h"
#include "tests/strokes.h"

namespace neuralpaint {

template <typename T>
using Numbers = std::vector<T>;

inline Numbers<double> random_numbers(size_t count, uint64_t seed, double low = 0, double high = 1) {
    check::Random random(seed);
    Numbers<double> numbers(count);
    for (double& number : numbers) number = random.uniform(low, high);
    return numbers;
}

template <typename Stroke>
Numbers<double> random_strokes(int64_t count, uint64_t seed, double size = 1) {
    check::Random random(seed);
    Numbers<double> strokes;
    for (int64_t n = 0; n < count; ++n) {
        Numbers<double> p = random_stroke<Stroke>(random);
        for (int i = 0; i < Stroke::kSizes; ++i) p[Stroke::kSize + i] *= size;
        if (n % 7 == 3) p.back() = 1;  // opaque
        if (n % 11 == 5) p[0] += 9;    // nowhere near
        strokes.insert(strokes.end(), p.begin(), p.end());
    }
    return strokes;
}

inline void check_all_near(const double* a, const double* b, size_t count, double tolerance) {
    double worst = 0;
    for (size_t i = 0; i < count; ++i) {
        const double off = std::fabs(a[i] - b[i]) / std::max(1.0, std::fabs(b[i]));
        if (!(off <= worst)) worst = off;
    }
    CHECK_NEAR(worst, 0, tolerance);
}

// Pictures, gradients by the canvas and by the strokes, and losses, of render.
template <typename Stroke>
struct PlainRender {
    Numbers<double> out, by_canvas, by_strokes, losses;

    // `upstream` is the gradient that flows back, or (if `loss`) the target of l1 * sum w|d| + l2 * sum w d^2, w
    // being 1 without `weight`.
    PlainRender(const Numbers<double>& canvas, const Numbers<double>& strokes, const Numbers<double>& upstream,
                const TextureAtlas& atlas, const RenderShape<double>& shape, bool loss, double l1, double l2,
                const double* weight = nullptr)
        : out(canvas), by_canvas(canvas.size()), by_strokes(strokes.size()), losses(2 * shape.batch) {
        constexpr int kSums = kTotalSums<Stroke>, P = Stroke::kParameters;
        const int64_t plane = int64_t(shape.height) * shape.width;
        const double softness = shape.softness_at ? *shape.softness_at : shape.softness;
        for (int64_t b = 0; b < shape.batch; ++b) {
            const View<double> view{shape.scale, shape.origin[2 * b], shape.origin[2 * b + 1], softness};
            std::vector<Stroke> set(shape.strokes);
            for (int64_t t = 0; t < shape.strokes; ++t)
                set[t].setup(&strokes[(b * shape.strokes + t) * P], view, atlas);
            Numbers<double> sums(shape.strokes * kSums);
            for (int64_t at = 0; at < plane; ++at) {
                const double x = double(at % shape.width) + 0.5, y = double(at / shape.width) + 0.5;
                std::vector<SampleOf<Stroke, double>> samples;
                Numbers<double> under;
                double h[3], g[3];
                for (int c = 0; c < 3; ++c) h[c] = canvas[(3 * b + c) * plane + at];
                for (const Stroke& stroke : set) {
                    samples.push_back(stroke.sample(x, y));
                    const double alpha = samples.back().coverage * stroke.paint.opacity;
                    for (int c = 0; c < 3; ++c) {
                        under.push_back(h[c]);
                        h[c] = alpha * stroke.paint.color(c, samples.back()) + (1 - alpha) * h[c];
                    }
                }
                for (int c = 0; c < 3; ++c) {
                    const int64_t i = (3 * b + c) * plane + at;
                    out[i] = h[c];
                    g[c] = upstream[i];
                    if (!loss) continue;
                    const double d = h[c] - upstream[i];
                    const double w = weight == nullptr ? 1 : weight[b * plane + at];
                    losses[2 * b] += w * std::fabs(d);
                    losses[2 * b + 1] += w * d * d;
                    g[c] = w * (2 * l2 * d + (d > 0 ? l1 : d < 0 ? -l1 : 0));
                }
                for (int64_t t = shape.strokes - 1; t >= 0; --t) {
                    const Stroke& stroke = set[t];
                    const auto& s = samples[t];
                    if (!(s.coverage > 0)) continue;
                    const double alpha = s.coverage * stroke.paint.opacity;
                    double* const sum = &sums[t * kSums];
                    double g_alpha = 0, g_t = 0, g_extra = 0;
                    for (int c = 0; c < 3; ++c) {
                        g_alpha += g[c] * (stroke.paint.color(c, s) - under[3 * t + c]);
                        stroke.paint.color_grad(c, s, g[c] * alpha, sum + Stroke::kSums, g_t, g_extra);
                        g[c] *= 1 - alpha;
                    }
                    sum[kSums - 1] += g_alpha * s.coverage;
                    stroke.accumulate(x, y, s, g_alpha * stroke.paint.opacity, g_t, g_extra, sum);
                }
                for (int c = 0; c < 3; ++c) by_canvas[(3 * b + c) * plane + at] = g[c];
            }
            for (int64_t t = 0; t < shape.strokes; ++t) {
                const int64_t n = (b * shape.strokes + t) * P;
                finish_stroke(set[t], &strokes[n], view, &sums[t * kSums], &by_strokes[n]);
            }
        }
    }
};

// The derivatives by the strokes [count, P] of what rasterize draws, from those by its colours and by its alpha.
template <typename Stroke>
Numbers<double> drawn_backward(const Numbers<double>& strokes, const Numbers<double>& by_colour,
                               const Numbers<double>& by_alpha, const TextureAtlas& atlas, int height, int width,
                               double softness) {
    constexpr int kSums = kTotalSums<Stroke>, P = Stroke::kParameters;
    const int64_t count = strokes.size() / P, plane = int64_t(height) * width;
    Numbers<double> expected(strokes.size());
    for (int64_t n = 0; n < count; ++n) {
        const View<double> view{double(std::min(height, width)), 0, 0, softness};
        Stroke stroke;
        stroke.setup(&strokes[n * P], view, atlas);
        double sums[kSums] = {};
        for (int64_t at = 0; at < plane; ++at) {
            const double x = double(at % width) + 0.5, y = double(at / width) + 0.5;
            const auto s = stroke.sample(x, y);
            if (!(s.coverage > 0)) continue;
            double g_t = 0, g_extra = 0;
            for (int c = 0; c < 3; ++c)
                stroke.paint.color_grad(c, s, by_colour[(3 * n + c) * plane + at], sums + Stroke::kSums, g_t, g_extra);
            sums[kSums - 1] += by_alpha[n * plane + at] * s.coverage;
            stroke.accumulate(x, y, s, by_alpha[n * plane + at] * stroke.paint.opacity, g_t, g_extra, sums);
        }
        finish_stroke(stroke, &strokes[n * P], view, sums, &expected[n * P]);
    }
    return expected;
}

struct PlainComposite {
    Numbers<double> out, by_canvas, by_colours, by_alpha;

    PlainComposite(const Numbers<double>& canvas, const Numbers<double>& colours, const Numbers<double>& alpha,
                   const Numbers<double>& grad, int64_t batch, int64_t count, int64_t pixels)
        : out(canvas), by_canvas(grad), by_colours(colours.size()), by_alpha(alpha.size()) {
        for (int64_t b = 0; b < batch; ++b) {
            for (int64_t i = 0; i < 3 * pixels; ++i) {
                const int64_t c = i / pixels, p = i % pixels, at = b * 3 * pixels + i;
                Numbers<double> under;
                for (int64_t t = 0; t < count; ++t) {
                    const double a = alpha[(b * count + t) * pixels + p];
                    under.push_back(out[at]);
                    out[at] = a * colours[((b * count + t) * 3 + c) * pixels + p] + (1 - a) * out[at];
                }
                for (int64_t t = count - 1; t >= 0; --t) {
                    const int64_t by = (b * count + t) * pixels + p, colour = ((b * count + t) * 3 + c) * pixels + p;
                    by_alpha[by] += by_canvas[at] * (colours[colour] - under[t]);
                    by_colours[colour] = by_canvas[at] * alpha[by];
                    by_canvas[at] *= 1 - alpha[by];
                }
            }
        }
    }
};

// The transport cost by its definition (cpu/sinkhorn.h), over all pairs of pixels.
inline double transport_cost(Numbers<double> x, Numbers<double> y, int height, int width, double epsilon,
                             int iterations, bool euclidean) {
    const int n = height * width;
    for (Numbers<double>* mass : {&x, &y}) {
        double total = 0;
        for (const double m : *mass) total += m;
        for (double& m : *mass) m /= total;
    }
    const auto cost = [&](int i, int j) {
        const double dy = double(i / width - j / width) / height, dx = double(i % width - j % width) / width;
        return euclidean ? std::sqrt(dy * dy + dx * dx) : dy * dy + dx * dx;
    };
    Numbers<double> p(n, 0.0), q(n, 0.0);  // exp(p) and exp(q) scale rows and columns
    const auto scale = [&](const Numbers<double>& from, Numbers<double>& to) {
        for (int i = 0; i < n; ++i) {
            double sum = 0;
            for (int j = 0; j < n; ++j) sum += std::exp(from[j] - cost(i, j) / epsilon);
            to[i] = -std::log(sum);
        }
    };
    Numbers<double> field(n, 0.0);
    for (int k = 0; k < iterations; ++k) {
        scale(field, p);
        for (int i = 0; i < n; ++i) field[i] = std::log(x[i]) + p[i];
        scale(field, q);
        if (k + 1 < iterations) {
            for (int i = 0; i < n; ++i) field[i] = std::log(y[i]) + q[i];
        }
    }
    double total = 0;
    for (int i = 0; i < n; ++i) {
        for (int j = 0; j < n; ++j) {
            const double c = cost(i, j);
            total += x[i] * y[j] * std::exp(p[i] + q[j] - c / epsilon) * c;
        }
    }
    return total;
}

}  // namespace neuralpaint
