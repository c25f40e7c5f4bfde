// The CPU kernels against plain loops over the same maths. Needs no torch, so that it also runs for processors that
// this machine only emulates.
#include <cstring>
#include <utility>

#include "common/narrow.h"
#include "cpu/composite.h"
#include "cpu/rasterize.h"
#include "cpu/render.h"
#include "cpu/sinkhorn.h"
#include "tests/path_gradients.h"
#include "tests/path_kernels.h"
#include "tests/plain_kernels.h"

using namespace neuralpaint;

namespace {

template <typename T>
Numbers<T> narrowed(const Numbers<double>& numbers) {
    return Numbers<T>(numbers.begin(), numbers.end());
}

template <typename Stroke>
void test_render(int kind, int64_t batch, int64_t count, int height, int width, double size) {
    const RandomAtlas atlas(16, 8, 1);
    const Numbers<double> strokes = random_strokes<Stroke>(batch * count, 2, size);
    const size_t pixels = 3 * batch * height * width;
    const Numbers<double> canvas = random_numbers(pixels, 3), target = random_numbers(pixels, 4);
    const Numbers<double> grad = random_numbers(pixels, 5, -1, 1), origin = random_numbers(2 * batch, 6, -0.2, 0.2);
    const RenderShape<double> shape{batch, count, height, width, 1.2 * std::min(height, width), origin.data(), 1.5};

    // The kernel looks for a curve's nearest point from fewer samples than the plain loop, and ends when all of a
    // vector have found it: for a marker's corner that is a matter of rounding.
    const bool corners = kind == MarkerStroke<double>::kKind;
    const double near = corners ? 1e-5 : 1e-12, near_grad = corners ? 1e-4 : 1e-9;
    const PlainRender<Stroke> truth(canvas, strokes, grad, atlas.atlas, shape, false, 0, 0);
    Numbers<double> out(pixels), by_canvas(pixels), by_strokes(strokes.size()), losses(2 * batch);
    cpu::render(canvas.data(), strokes.data(), kind, atlas.atlas, shape, out.data());
    check_all_near(out.data(), truth.out.data(), pixels, near);
    cpu::render_backward(grad.data(), canvas.data(), strokes.data(), kind, atlas.atlas, shape, by_canvas.data(),
                         by_strokes.data());
    check_all_near(by_canvas.data(), truth.by_canvas.data(), pixels, near);
    check_all_near(by_strokes.data(), truth.by_strokes.data(), strokes.size(), near_grad);

    const Numbers<double> weights = random_numbers(batch * height * width, 7, 0, 3);
    for (const double* weight : {static_cast<const double*>(nullptr), weights.data()}) {
        const PlainRender<Stroke> loss(canvas, strokes, target, atlas.atlas, shape, true, 0.3, 0.7, weight);
        cpu::render_loss<double>({target.data(), weight, 0.3, 0.7}, canvas.data(), strokes.data(), kind, atlas.atlas,
                                 shape, losses.data(), by_strokes.data());
        check_all_near(losses.data(), loss.losses.data(), 2 * batch, near_grad);
        check_all_near(by_strokes.data(), loss.by_strokes.data(), strokes.size(), near_grad);
    }

    const auto few = narrowed<float>(strokes), under = narrowed<float>(canvas), corner = narrowed<float>(origin);
    const RenderShape<float> single{batch, count, height, width, float(shape.scale), corner.data(), 1.5f};
    Numbers<float> picture(pixels);
    cpu::render(under.data(), few.data(), kind, atlas.atlas, single, picture.data());
    const Numbers<double> shown(picture.begin(), picture.end());
    check_all_near(shown.data(), truth.out.data(), pixels, 2e-3);
}

double number_of(uint8_t byte) { return byte / 255.0; }
double number_of(float x) { return x; }
double number_of(double x) { return x; }
double number_of(Half x) {  // not negative
    const int exponent = x.bits >> 10;
    return exponent == 0 ? std::ldexp(x.bits, -24) : std::ldexp(1024 + (x.bits & 1023), exponent - 25);
}
double number_of(BFloat16 x) {
    const uint32_t bits = uint32_t(x.bits) << 16;
    float number;
    std::memcpy(&number, &bits, sizeof number);
    return number;
}

// Coverage and colours of each stroke alone, in every format.
template <typename Stroke, typename Out, typename T>
void test_draw(int kind, Output output, int64_t count, int height, int width, double tolerance) {
    const RandomAtlas atlas(16, 8, 1);
    const Numbers<double> exact = random_strokes<Stroke>(count, 7);
    const auto strokes = narrowed<T>(exact);
    const int64_t plane = int64_t(height) * width;
    std::vector<Out> colours(3 * count * plane), alpha(count * plane);
    cpu::rasterize<T>(strokes.data(), count, kind, atlas.atlas, height, width, T(1.3), output, colours.data(),
                      alpha.data());
    double worst = 0;
    for (int64_t n = 0; n < count; ++n) {
        Stroke stroke;
        stroke.setup(&exact[n * Stroke::kParameters], {double(std::min(height, width)), 0, 0, 1.3}, atlas.atlas);
        for (int64_t at = 0; at < plane; ++at) {
            const auto s = stroke.sample(double(at % width) + 0.5, double(at / width) + 0.5);
            const double matte = s.coverage * stroke.paint.opacity, drawn = number_of(alpha[n * plane + at]);
            worst = std::max(worst, std::fabs(drawn - matte));
            for (int c = 0; c < 3; ++c) {
                const double colour = number_of(colours[(3 * n + c) * plane + at]);
                worst = std::max(worst, std::fabs(colour - stroke.paint.color(c, s)) * matte);
            }
        }
    }
    CHECK_NEAR(worst, 0, tolerance);
}

// A marker's nearest points as guessed for blocks are at least as near as the best of those that samples lead to: a
// greater coverage is the better one.
void test_marker_guesses(int64_t count, int size) {
    using Stroke = MarkerStroke<double>;
    const RandomAtlas atlas(16, 8, 1);
    const Numbers<double> strokes = random_strokes<Stroke>(count, 12, 0.7);
    const int64_t plane = int64_t(size) * size;
    Numbers<double> colours(3 * count * plane), alpha(count * plane);
    cpu::rasterize<double>(strokes.data(), count, Stroke::kKind, atlas.atlas, size, size, 1.0, Output::kSame,
                           colours.data(), alpha.data());
    double missed = 0;
    int64_t more = 0;
    for (int64_t n = 0; n < count; ++n) {
        Stroke stroke;
        stroke.setup(&strokes[n * Stroke::kParameters], {double(size), 0, 0, 1}, atlas.atlas);
        for (int64_t at = 0; at < plane; ++at) {
            const double x = double(at % size) + 0.5, y = double(at / size) + 0.5;
            const double plain = stroke.sample(x, y).coverage * stroke.paint.opacity;
            missed = std::max(missed, plain - alpha[n * plane + at]);
            more += alpha[n * plane + at] > plain + 1e-6;
        }
    }
    CHECK_NEAR(missed, 0, 1e-6);
    CHECK(more <= count * plane / 10000);
}

template <typename Stroke>
void test_draw_backward(int kind, int64_t count, int height, int width) {
    const RandomAtlas atlas(16, 8, 1);
    const Numbers<double> strokes = random_strokes<Stroke>(count, 8);
    const int64_t plane = int64_t(height) * width;
    const Numbers<double> by_colour = random_numbers(3 * count * plane, 9, -1, 1);
    const Numbers<double> by_alpha = random_numbers(count * plane, 10, -1, 1);
    const Numbers<double> expected =
        drawn_backward<Stroke>(strokes, by_colour, by_alpha, atlas.atlas, height, width, 1.3);
    Numbers<double> grads(strokes.size());
    cpu::rasterize_backward(by_colour.data(), by_alpha.data(), strokes.data(), count, kind, atlas.atlas, height, width,
                            1.3, grads.data());
    check_all_near(grads.data(), expected.data(), expected.size(), kind == MarkerStroke<double>::kKind ? 1e-4 : 1e-9);
}

void test_composite(int64_t batch, int64_t count, int64_t pixels) {
    const Numbers<double> canvas = random_numbers(batch * 3 * pixels, 11), grad = random_numbers(canvas.size(), 12);
    const Numbers<double> colours = random_numbers(batch * count * 3 * pixels, 13);
    const Numbers<double> alpha = random_numbers(batch * count * pixels, 14);
    const PlainComposite plain(canvas, colours, alpha, grad, batch, count, pixels);
    Numbers<double> out(canvas.size()), by_canvas(canvas.size()), by_colours(colours.size()), by_alpha(alpha.size());
    cpu::composite(canvas.data(), colours.data(), alpha.data(), out.data(), batch, count, pixels);
    check_all_near(out.data(), plain.out.data(), out.size(), 1e-14);
    cpu::composite_backward(grad.data(), canvas.data(), colours.data(), alpha.data(), by_canvas.data(),
                            by_colours.data(), by_alpha.data(), batch, count, pixels);
    check_all_near(by_canvas.data(), plain.by_canvas.data(), by_canvas.size(), 1e-13);
    check_all_near(by_colours.data(), plain.by_colours.data(), by_colours.size(), 1e-13);
    check_all_near(by_alpha.data(), plain.by_alpha.data(), by_alpha.size(), 1e-13);
}

void test_sinkhorn(int64_t batch, int height, int width, double epsilon, int iterations, bool euclidean) {
    const int64_t pixels = int64_t(height) * width, all = batch * pixels;
    const Numbers<double> x = random_numbers(all, 15, 0.05, 1), y = random_numbers(all, 16, 0.05, 1);
    const Numbers<double> grad = random_numbers(batch, 17, 0.5, 2);
    const SinkhornShape shape{batch,   height,
                              width,   iterations,
                              epsilon, euclidean ? TransportCost::kEuclidean : TransportCost::kSquaredEuclidean};
    Numbers<double> costs(batch), potentials(2 * iterations * all), grad_x(all), grad_y(all);
    cpu::sinkhorn(x.data(), y.data(), costs.data(), potentials.data(), shape);
    const auto cost = [&](int64_t b, const Numbers<double>& from, const Numbers<double>& to) {
        return transport_cost({&from[b * pixels], &from[b * pixels] + pixels},
                              {&to[b * pixels], &to[b * pixels] + pixels}, height, width, epsilon, iterations,
                              euclidean);
    };
    for (int64_t b = 0; b < batch; ++b) CHECK_NEAR(costs[b], cost(b, x, y), 1e-10);
    cpu::sinkhorn_backward(grad.data(), x.data(), y.data(), potentials.data(), grad_x.data(), grad_y.data(), shape);
    const double step = 1e-5;
    for (int64_t i = 0; i < 2 * all; i += all / 9 + 1) {
        const int64_t b = i % all / pixels;
        double change = 0;
        for (const double sign : {-1.0, 1.0}) {
            Numbers<double> from(x), to(y);
            (i < all ? from : to)[i % all] += sign * step;
            change += sign * cost(b, from, to);
        }
        CHECK_NEAR((i < all ? grad_x : grad_y)[i % all], grad[b] * change / (2 * step), 1e-6);
    }
}

template <typename Stroke>
void test_brush(const char* name) {
    constexpr int kind = Stroke::kKind;
    check::section() = name;
    test_render<Stroke>(kind, 1, 3, 16, 16, 1);    // half a tile
    test_render<Stroke>(kind, 3, 7, 33, 47, 0.5);  // parts of tiles
    test_render<Stroke>(kind, 2, 1, 1, 1, 1);
    test_render<Stroke>(kind, 2, 0, 20, 5, 1);  // nothing to paint
    for (const auto& [height, width] : {std::pair{17, 41}, {1, 1}, {5, 64}}) {
        test_draw<Stroke, double, double>(kind, Output::kSame, 3, height, width,
                                          kind == MarkerStroke<double>::kKind ? 1e-5 : 1e-12);
        test_draw<Stroke, float, float>(kind, Output::kSame, 3, height, width, 2e-3);
        test_draw<Stroke, Half, float>(kind, Output::kHalf, 3, height, width, 3e-3);
        test_draw<Stroke, BFloat16, float>(kind, Output::kBFloat16, 3, height, width, 1e-2);
        test_draw<Stroke, uint8_t, float>(kind, Output::kByte, 3, height, width, 5e-3);
        test_draw<Stroke, Half, double>(kind, Output::kHalf, 3, height, width, 6e-4);
        test_draw<Stroke, uint8_t, double>(kind, Output::kByte, 3, height, width, 4e-3);
    }
    test_draw_backward<Stroke>(kind, 3, 17, 41);
}

}  // namespace

int main() {
    test_brush<OilStroke<double>>("oil:");
    test_brush<WatercolorStroke<double>>("watercolor:");
    test_brush<MarkerStroke<double>>("marker:");
    test_brush<TapeStroke<double>>("tape:");
    test_brush<RoundStroke<double>>("round:");
    test_brush<RibbonStroke<double>>("ribbon:");
    check::section() = "guesses:";
    test_marker_guesses(150, 60);
    check::section() = "paths:";
    test_rectangle<float>(1e-6);
    test_rectangle<double>(1e-14);
    for (int64_t style = 0; style < 3; ++style) {
        test_paths(18, 21, style % 2, style, 2 - style);
        test_paths(3, 40, 1 - style % 2, style, style);
    }
    test_extreme_paths();
    for (int64_t spread = 0; spread < 3; ++spread) {
        test_path_gradients(0, spread);
        test_path_gradients(1, spread);
    }
    check::section() = "composite:";
    for (const int64_t pixels : {1, 6, 35, 1500}) {
        for (const int64_t count : {0, 1, 4}) test_composite(2, count, pixels);
    }
    check::section() = "sinkhorn:";
    for (const bool euclidean : {false, true}) {
        test_sinkhorn(2, 7, 5, 0.05, 3, euclidean);
        test_sinkhorn(1, 1, 1, 0.05, 1, euclidean);
        test_sinkhorn(1, 12, 20, 0.01, 2, euclidean);
    }
    return check::failures();
}
