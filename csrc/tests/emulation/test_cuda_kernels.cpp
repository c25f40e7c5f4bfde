// The CUDA kernels, emulated, against plain loops over the same maths. Each runs with its threads and blocks taking
// turns in several orders, which must give the same bits; workspaces hold nothing but NaN before, and are not overrun.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "cuda/composite.h"
#include "cuda/projected_adam.h"
#include "cuda/rasterize.h"
#include "cuda/render.h"
#include "cuda/sinkhorn.h"
#include "cuda/strokes.cuh"
#include "typical.h"

using namespace neuralpaint;

namespace {

using emulation::Order;

// Memory at a multiple of 256 bytes, all ones, with a border that must stay so.
class Workspace {
 public:
    explicit Workspace(int64_t bytes) : bytes_(bytes), memory_(bytes + 768, 0xff) {}
    ~Workspace() {
        CHECK(std::all_of(data() + bytes_, memory_.data() + memory_.size(), [](unsigned char c) { return c == 0xff; }));
        CHECK(std::all_of(memory_.data(), data(), [](unsigned char c) { return c == 0xff; }));
    }
    unsigned char* data() {
        const auto at = reinterpret_cast<uintptr_t>(memory_.data()) + 256;
        return reinterpret_cast<unsigned char*>(at / 256 * 256);
    }

 private:
    int64_t bytes_;
    std::vector<unsigned char> memory_;
};

double counted(emulation::Work kind) { return static_cast<double>(emulation::work[static_cast<int>(kind)]); }
int64_t launches() { return emulation::work[static_cast<int>(emulation::Work::kLaunches)]; }

// What `run` leaves in its results, from threads and blocks in three orders.
template <typename T>
Numbers<T> same_in_any_order(size_t count, const std::function<void(T*)>& run) {
    Numbers<T> first;
    for (const Order order : {Order::kForward, Order::kBackward, Order::kShuffled}) {
        emulation::order = order;
        Numbers<T> results(count);
        std::memset(results.data(), 0xff, count * sizeof(T));
        run(results.data());
        if (first.empty()) first = results;
        CHECK(std::memcmp(first.data(), results.data(), count * sizeof(T)) == 0);
    }
    emulation::order = Order::kForward;
    return first;
}

// --- render ----------------------------------------------------------------------------------------------------------

template <typename Stroke>
void test_render(int kind, int64_t batch, int64_t count, int height, int width, double size) {
    const RandomAtlas atlas(16, 8, 1);
    const Numbers<double> strokes = random_strokes<Stroke>(batch * count, 2, size);
    const size_t pixels = 3 * batch * height * width;
    const Numbers<double> canvas = random_numbers(pixels, 3), target = random_numbers(pixels, 4);
    const Numbers<double> grad = random_numbers(pixels, 5, -1, 1);
    const Numbers<double> origin = random_numbers(2 * batch, 6, -0.2, 0.2);
    RenderShape<double> shape{batch, count, height, width, 1.2 * std::min(height, width), origin.data(), 1.5};

    const PlainRender<Stroke> truth(canvas, strokes, grad, atlas.atlas, shape, false, 0, 0);
    const auto out = same_in_any_order<double>(pixels, [&](double* results) {
        Workspace space(cuda::render_workspace(kind, shape));
        cuda::launch_render(canvas.data(), strokes.data(), kind, atlas.atlas, shape, results, space.data(), nullptr);
    });
    // Of a marker's nearest points at nearly the same distance the narrowed samples may choose another.
    const bool chooses = kind == MarkerStroke<double>::kKind;
    const double close = chooses ? 1e-5 : 1e-12, near = chooses ? 1e-4 : 1e-9;
    check_all_near(out.data(), truth.out.data(), pixels, close);
    const auto grads = same_in_any_order<double>(pixels + strokes.size(), [&](double* results) {
        Workspace space(cuda::render_backward_workspace(kind, shape));
        cuda::launch_render_backward(grad.data(), canvas.data(), strokes.data(), kind, atlas.atlas, shape, results,
                                     results + pixels, space.data(), nullptr);
    });
    check_all_near(grads.data(), truth.by_canvas.data(), pixels, close);
    check_all_near(grads.data() + pixels, truth.by_strokes.data(), strokes.size(), near);

    const double softness = 2.0;  // read from memory, whatever the number beside it
    shape.softness_at = &softness;
    const Numbers<double> weights = random_numbers(batch * height * width, 7, 0, 3);
    for (const double* weight : {static_cast<const double*>(nullptr), weights.data()}) {
        const PlainRender<Stroke> loss(canvas, strokes, target, atlas.atlas, shape, true, 0.3, 0.7, weight);
        const auto losses = same_in_any_order<double>(2 * batch + strokes.size(), [&](double* results) {
            Workspace space(cuda::render_loss_workspace(kind, shape));
            const int64_t before = launches();
            cuda::launch_render_loss<double>({target.data(), weight, 0.3, 0.7}, canvas.data(), strokes.data(), kind,
                                             atlas.atlas, shape, results, results + 2 * batch, space.data(), nullptr);
            // A search counts on it (tests/search/optim/test_descent.py).
            CHECK(emulation::scarcity > 1 || launches() - before <= 4);
        });
        check_all_near(losses.data(), loss.losses.data(), 2 * batch, near);
        check_all_near(losses.data() + 2 * batch, loss.by_strokes.data(), strokes.size(), near);
    }
}

// --- rasterize -------------------------------------------------------------------------------------------------------

double to_double(float x) { return x; }
double to_double(double x) { return x; }
double to_double(__half x) {  // not negative
    const int exponent = x.bits >> 10;
    return exponent == 0 ? std::ldexp(x.bits, -24) : std::ldexp(1024 + (x.bits & 1023), exponent - 25);
}
double to_double(__nv_bfloat16 x) { return emulation::value_of<float>(uint64_t(x.bits) << 16); }
double to_double(uint8_t x) { return x / 255.0; }

template <typename Stroke, typename Out, typename T>
void test_draw(int kind, Output output, int64_t count, int height, int width, double tolerance) {
    const RandomAtlas atlas(16, 8, 1);
    const Numbers<double> exact = random_strokes<Stroke>(count, 7);
    const Numbers<T> strokes(exact.begin(), exact.end());
    const int64_t plane = int64_t(height) * width;
    const Numbers<double> origin(2 * count, 0.0);
    // Each stroke on canvases of one grey, which tell its alpha and its colours.
    RenderShape<double> shape{count, 1, height, width, double(std::min(height, width)), origin.data(), 1.3};
    const Numbers<double> black(3 * count * plane, 0.0), white(3 * count * plane, 1.0);
    const PlainRender<Stroke> on_black(black, exact, black, atlas.atlas, shape, false, 0, 0);
    const PlainRender<Stroke> on_white(white, exact, white, atlas.atlas, shape, false, 0, 0);
    const auto drawn = same_in_any_order<Out>(4 * count * plane, [&](Out* results) {
        Workspace space(cuda::rasterize_workspace<T>(kind, count));
        cuda::launch_rasterize<T>(strokes.data(), count, kind, atlas.atlas, height, width, T(1.3), output, results,
                                  results + 3 * count * plane, space.data(), nullptr);
    });
    double worst = 0;
    for (int64_t n = 0; n < count; ++n) {
        for (int64_t at = 0; at < plane; ++at) {
            const double alpha = to_double(drawn[(3 * count + n) * plane + at]);
            for (int c = 0; c < 3; ++c) {
                const int64_t i = (3 * n + c) * plane + at;
                const double shown = on_black.out[i], matte = 1 - (on_white.out[i] - shown);
                worst = std::max({worst, std::fabs(alpha - matte), std::fabs(matte * to_double(drawn[i]) - shown)});
            }
        }
    }
    CHECK_NEAR(worst, 0, tolerance);
}

// Of a curve no more than so many points are looked at for a pixel that it covers, for all pixels together.
template <template <typename> class Stroke>
void test_curve_points(const char* name, double most) {
    check::section() = name;
    using emulation::Work;
    constexpr int64_t count = 8, size = 128;
    const BristleAtlas atlas;
    const Numbers<double> exact = typical_strokes<Stroke<double>>(count, true);
    const Numbers<float> strokes(exact.begin(), exact.end());
    Numbers<float> drawn(4 * count * size * size);
    Workspace space(cuda::rasterize_workspace<float>(Stroke<float>::kKind, count));
    const double points = counted(Work::kCurvePoints), covers = counted(Work::kCovers);
    cuda::launch_rasterize<float>(strokes.data(), count, Stroke<float>::kKind, atlas.atlas, size, size, 1.0f,
                                  Output::kSame, drawn.data(), drawn.data() + 3 * count * size * size, space.data(),
                                  nullptr);
    CHECK(counted(Work::kCovers) > covers);
    CHECK(counted(Work::kCurvePoints) - points <= most * (counted(Work::kCovers) - covers));
}

// The gradient by strokes is that of rendering each onto a black canvas of alpha (as one colour) and foreground.
template <typename Stroke>
void test_draw_backward(int kind, int64_t count, int height, int width) {
    const RandomAtlas atlas(16, 8, 1);
    const Numbers<double> strokes = random_strokes<Stroke>(count, 8);
    const int64_t plane = int64_t(height) * width;
    const Numbers<double> by_colour = random_numbers(3 * count * plane, 9, -1, 1);
    const Numbers<double> by_alpha = random_numbers(count * plane, 10, -1, 1);
    const Numbers<double> expected =
        drawn_backward<Stroke>(strokes, by_colour, by_alpha, atlas.atlas, height, width, 1.3);
    const auto grads = same_in_any_order<double>(strokes.size(), [&](double* results) {
        Workspace space(cuda::rasterize_backward_workspace<double>(kind, count, height, width));
        cuda::launch_rasterize_backward<double>(by_colour.data(), by_alpha.data(), strokes.data(), count, kind,
                                                atlas.atlas, height, width, 1.3, results, space.data(), nullptr);
    });
    check_all_near(grads.data(), expected.data(), expected.size(), kind == MarkerStroke<double>::kKind ? 1e-4 : 1e-9);
}

// --- composite -------------------------------------------------------------------------------------------------------

void test_composite(int64_t batch, int64_t count, int64_t pixels) {
    const Numbers<double> canvas = random_numbers(batch * 3 * pixels, 11), grad = random_numbers(canvas.size(), 12);
    const Numbers<double> colours = random_numbers(batch * count * 3 * pixels, 13);
    Numbers<double> alpha = random_numbers(batch * count * pixels, 14);
    for (size_t i = 0; i < alpha.size(); i += 5) alpha[i] = 1;
    const PlainComposite plain(canvas, colours, alpha, grad, batch, count, pixels);
    const auto ours = same_in_any_order<double>(canvas.size(), [&](double* results) {
        cuda::launch_composite(canvas.data(), colours.data(), alpha.data(), results, batch, count, pixels, nullptr);
    });
    check_all_near(ours.data(), plain.out.data(), canvas.size(), 1e-14);
    const auto grads = same_in_any_order<double>(canvas.size() + colours.size() + alpha.size(), [&](double* results) {
        Workspace space(cuda::composite_workspace(batch, count, pixels) * sizeof(double));
        cuda::launch_composite_backward(grad.data(), canvas.data(), colours.data(), alpha.data(), results,
                                        results + canvas.size(), results + canvas.size() + colours.size(),
                                        reinterpret_cast<double*>(space.data()), batch, count, pixels, nullptr);
    });
    check_all_near(grads.data(), plain.by_canvas.data(), plain.by_canvas.size(), 1e-13);
    check_all_near(grads.data() + canvas.size(), plain.by_colours.data(), plain.by_colours.size(), 1e-13);
    check_all_near(grads.data() + canvas.size() + colours.size(), plain.by_alpha.data(), plain.by_alpha.size(), 1e-13);
}

// --- sinkhorn --------------------------------------------------------------------------------------------------------

void test_sinkhorn(int64_t batch, int height, int width, double epsilon, int iterations, bool euclidean) {
    const int64_t pixels = int64_t(height) * width, all = batch * pixels;
    const Numbers<double> x = random_numbers(all, 15, 0.05, 1), y = random_numbers(all, 16, 0.05, 1);
    const Numbers<double> grad = random_numbers(batch, 17, 0.5, 2);
    const SinkhornShape shape{batch,   height,
                              width,   iterations,
                              epsilon, euclidean ? TransportCost::kEuclidean : TransportCost::kSquaredEuclidean};
    const auto space_of = [&] { return cuda::sinkhorn_workspace<double>(shape) * int64_t(sizeof(double)); };
    const auto given = [&](Workspace& space) {
        return space_of() == 0 ? nullptr : reinterpret_cast<double*>(space.data());
    };
    const auto results = same_in_any_order<double>(batch + 2 * iterations * all, [&](double* to) {
        Workspace space(space_of());
        cuda::launch_sinkhorn<double>(x.data(), y.data(), to, to + batch, given(space), shape, nullptr);
    });
    const auto cost = [&](int64_t b, const Numbers<double>& from, const Numbers<double>& to) {
        return transport_cost({&from[b * pixels], &from[b * pixels] + pixels},
                              {&to[b * pixels], &to[b * pixels] + pixels}, height, width, epsilon, iterations,
                              euclidean);
    };
    for (int64_t b = 0; b < batch; ++b) CHECK_NEAR(results[b], cost(b, x, y), 1e-10);
    const auto grads = same_in_any_order<double>(2 * all, [&](double* to) {
        Workspace space(space_of());
        cuda::launch_sinkhorn_backward<double>(grad.data(), x.data(), y.data(), results.data() + batch, to, to + all,
                                               given(space), shape, nullptr);
    });
    const double step = 1e-5;
    for (int64_t i = 0; i < 2 * all; i += all / 9 + 1) {
        const int64_t b = i % all / pixels;
        double change = 0;
        for (const double sign : {-1.0, 1.0}) {
            Numbers<double> from(x), to(y);
            (i < all ? from : to)[i % all] += sign * step;
            change += sign * cost(b, from, to);
        }
        CHECK_NEAR(grads[i], grad[b] * change / (2 * step), 1e-6);
    }
}

// --- projected_adam --------------------------------------------------------------------------------------------------

// One step from a state of random numbers.
void test_adam(int64_t rows, int64_t columns, int64_t wraps, bool held, int64_t extra_rows, int64_t start) {
    const size_t all = rows * columns;
    const Numbers<double> begun = random_numbers(all, 30, -2, 2), mean = random_numbers(all, 31, -1, 1);
    const Numbers<double> square = random_numbers(all, 32), gradient = random_numbers(all, 33, -4, 4);
    const Numbers<double> scale = random_numbers(all, 34, 0.1, 2), moves = random_numbers(all, 35);
    const Numbers<double> low = random_numbers(all, 36, 0, 0.3), high = random_numbers(all, 37, 0.4, 1);
    const Numbers<double> points = random_numbers(all, 38, -0.2, 1.2), extra = random_numbers(all, 39, -1, 1);
    const Numbers<double> field = random_numbers(2 * 3 * 4, 40, -1, 1), corrections{4, 2, 1.5}, rate{0.3};
    Numbers<double> age(rows);
    for (int64_t row = 0; row < rows; ++row) age[row] = static_cast<double>(row % 5);
    ProjectedAdam<double> adam{};
    adam.rows = rows;
    adam.columns = columns;
    adam.ages = 3;
    adam.wraps = wraps;
    adam.first = 0.9;
    adam.second = 0.95;
    adam.epsilon = 1e-8;
    adam.divisor = 5;
    adam.one_less_first = 0.1;
    adam.one_less_second = 0.05;
    adam.gradient = gradient.data();
    adam.scale = scale.data();
    adam.low = low.data();
    adam.high = high.data();
    adam.moves = held ? moves.data() : nullptr;
    adam.rate = rate.data();
    adam.corrections = corrections.data();
    adam.extra = extra.data();
    adam.extra_rows = extra_rows;
    adam.extra_factor = 0.7;
    if (columns > 5) adam.pull = {field.data(), 3, 4, 1.5, 1.0, 2.0, start, 3, 0, 2};
    const auto results = same_in_any_order<double>(5 * all + rows, [&](double* to) {
        adam.values = to;
        adam.points = to + all;
        adam.parameters = to + 2 * all;
        adam.mean = to + 3 * all;
        adam.square = to + 4 * all;
        adam.age = to + 5 * all;
        std::copy(points.begin(), points.end(), adam.points);
        std::copy(begun.begin(), begun.end(), adam.parameters);
        std::copy(mean.begin(), mean.end(), adam.mean);
        std::copy(square.begin(), square.end(), adam.square);
        std::copy(age.begin(), age.end(), adam.age);
        const int64_t before = launches();
        cuda::launch_projected_adam<double>(adam, nullptr);
        CHECK(launches() - before == (rows > 0));
    });
    Numbers<double> expected(5 * all + rows);
    for (int64_t row = 0; row < rows; ++row) {
        const double correction = corrections[std::min<int64_t>(static_cast<int64_t>(age[row]), 2)];
        double by_x = 0, by_y = 0;
        if (columns > 5) adam.pull.push(&points[row * columns], by_x, by_y);
        for (int64_t column = 0; column < columns; ++column) {
            const int64_t i = row * columns + column;
            const double more = row < extra_rows ? 0.7 * extra[i] : 0, pulled = adam.pull.added(column, by_x, by_y);
            const double g = (gradient[i] + more + pulled) * scale[i] / 5, m = 0.9 * mean[i] + 0.1 * g;
            const double v = 0.95 * square[i] + 0.05 * g * g;
            const double way = 0.3 * (held ? moves[i] : 1) * m / (std::sqrt(v) * correction + 1e-8);
            double x = (begun[i] - way) * scale[i];
            x = column == wraps ? x - std::floor(x) : std::min(std::max(x, low[i]), high[i]);
            const double found[] = {x, x, x / scale[i], m, v};
            for (int part = 0; part < 5; ++part) expected[part * all + i] = found[part];
        }
        expected[5 * all + row] = age[row] + 1;
    }
    check_all_near(results.data(), expected.data(), expected.size(), 1e-13);
}

// Bytes for the loss of many strokes: their own, and little more.
void test_workspace() {
    check::section() = "workspace:";
    const Numbers<float> origin(2, 0.0f);
    const auto bytes = [&](int64_t count, int size) {
        return cuda::render_loss_workspace<float>(MarkerStroke<float>::kKind,
                                                  {1, count, size, size, float(size), origin.data(), 1.0f});
    };
    CHECK(bytes(500, 512) < int64_t(400) << 20);
    for (const int64_t count : {20000, 100000, 400000}) CHECK(bytes(count, 1024) < int64_t(1200) << 20);
}

template <typename Stroke>
void test_brush(const char* name) {
    constexpr int kind = Stroke::kKind;
    check::section() = name;
    test_render<Stroke>(kind, 1, 3, 16, 16, 1);    // one tile
    test_render<Stroke>(kind, 3, 7, 33, 47, 0.5);  // parts of tiles
    test_render<Stroke>(kind, 2, 1, 1, 1, 1);
    test_render<Stroke>(kind, 2, 0, 20, 5, 1);  // nothing to paint
    test_draw<Stroke, double, double>(kind, Output::kSame, 3, 17, 41, 1e-12);
    test_draw<Stroke, double, double>(kind, Output::kSame, 3, 21, 32,
                                      kind == MarkerStroke<double>::kKind ? 1e-5 : 1e-12);
    test_draw<Stroke, float, float>(kind, Output::kSame, 3, 32, 32, 1e-3);
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

    using Tape = TapeStroke<double>;
    check::section() = "more strokes than a block looks at at once, and keeps canvases for:";
    test_render<Tape>(Tape::kKind, 1, 300, 18, 20, 0.5);
    check::section() = "opaque strokes, which close tiles:";
    test_render<Tape>(Tape::kKind, 1, 60, 34, 20, 4);
    check::section() = "in layers:";
    emulation::scarcity = int64_t(1) << 30;  // of 32 strokes
    test_render<Tape>(Tape::kKind, 2, 90, 18, 20, 0.5);
    using Watercolor = WatercolorStroke<double>;
    test_render<Watercolor>(Watercolor::kKind, 1, 65, 18, 20, 0.5);
    emulation::scarcity = 1;
    test_workspace();
    check::section() = "more tiles than blocks:";
    test_render<Tape>(Tape::kKind, 60, 2, 33, 36, 0.5);  // several canvases a block
    test_render<Tape>(Tape::kKind, 1, 3, 361, 361, 1);   // several tiles of one canvas
    test_render<Tape>(Tape::kKind, 1, 0, 361, 361, 1);
    check::section() = "rasterize:";
    test_draw<Tape, float, float>(Tape::kKind, Output::kSame, 30, 60, 230, 1e-3);
    for (const auto& [height, width] : {std::pair{1, 1}, {5, 230}, {90, 80}, {3, 2000}, {600, 8}}) {
        test_draw<Tape, float, float>(Tape::kKind, Output::kSame, 2, height, width, 1e-3);
        test_draw<Tape, __half, float>(Tape::kKind, Output::kHalf, 2, height, width, 3e-3);
        test_draw<Tape, __nv_bfloat16, float>(Tape::kKind, Output::kBFloat16, 2, height, width, 2e-2);
        test_draw<Tape, uint8_t, float>(Tape::kKind, Output::kByte, 2, height, width, 5e-3);
    }
    test_draw_backward<Tape>(Tape::kKind, 2, 200, 190);  // several blocks a stroke
    test_curve_points<WatercolorStroke>("watercolor's points:", 5);
    test_curve_points<MarkerStroke>("marker's points:", 8);
    test_curve_points<RibbonStroke>("ribbon's points:", 8);

    check::section() = "composite:";
    for (const int64_t pixels : {1, 6, 35, 600}) {
        for (const int64_t count : {0, 1, 4, 9, 27}) test_composite(2, count, pixels);
    }

    check::section() = "projected_adam:";
    for (const auto& [rows, columns] : {std::pair{0, 4}, {3, 0}, {1, 1}, {50, 12}, {9, 15}, {2, 300}}) {
        test_adam(rows, columns, -1, false, 0, -1);
        test_adam(rows, columns, columns / 2, true, rows / 2, 1);
    }

    check::section() = "sinkhorn:";
    for (const bool euclidean : {false, true}) {
        test_sinkhorn(2, 7, 5, 0.05, 3, euclidean);
        test_sinkhorn(1, 1, 1, 0.05, 1, euclidean);
        test_sinkhorn(1, 27, 20, 0.05, 1, euclidean);  // more pixels than threads
        test_sinkhorn(1, 6, 11, 1e-4, 2, euclidean);   // sums that underflow
        emulation::shared_limit = 2048;                // maps in global memory
        test_sinkhorn(2, 7, 9, 0.05, 2, euclidean);
        emulation::shared_limit = 227 * 1024;
        test_sinkhorn(2, 27, 20, 0.05, 2, euclidean);   // 4 blocks an image
        test_sinkhorn(1, 17, 16, 1e-3, 2, euclidean);   // 2, sums that underflow
        test_sinkhorn(80, 16, 16, 0.05, 1, euclidean);  // more images than there are places for
        emulation::shared_limit = 4200;                 // a cluster whose maps are in global memory
        test_sinkhorn(2, 17, 16, 0.05, 2, euclidean);
        emulation::shared_limit = 227 * 1024;
        emulation::largest_cluster = 1;  // none
        test_sinkhorn(1, 27, 20, 0.05, 1, euclidean);
        emulation::largest_cluster = 8;
    }
    test_sinkhorn(1, 33, 34, 0.05, 1, false);  // 8 blocks
    return check::failures();
}
