// Counts the work of the CUDA kernels on typical loads, while they are emulated: what to expect of a change before it
// is timed on a GPU. Prints a table in Markdown: make cuda-work.
#include <cstdio>
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

using emulation::Work;

double counted(Work kind) { return static_cast<double>(emulation::work[static_cast<int>(kind)]); }

// Strokes over a pixel, on average: all, those that show, and those that show or lie under one opaque stroke.
struct Covers {
    double all = 0, visible = 0, twice = 0;

    template <typename Stroke>
    static Covers of(const Numbers<double>& numbers, const TextureAtlas& atlas, int size) {
        Covers covers;
        const int64_t count = static_cast<int64_t>(numbers.size()) / Stroke::kParameters;
        std::vector<int> opaque(size * size, 0);
        for (int64_t n = count - 1; n >= 0; --n) {
            Stroke stroke;
            setup_stroke(stroke, &numbers[n * Stroke::kParameters], make_view(double(size), 0.0, 0.0, 1.0), atlas);
            const auto box = cuda::pixel_box(stroke, size, size);
            for (int y = box.y0; y < box.y1; ++y) {
                for (int x = box.x0; x < box.x1; ++x) {
                    const double coverage = stroke.sample(x + 0.5, y + 0.5).coverage;
                    if (!(coverage > 0)) continue;
                    int& over = opaque[y * size + x];
                    covers.all += 1;
                    covers.visible += over < 1;
                    covers.twice += over < 2;
                    over += coverage * stroke.paint.opacity >= 1 - 1e-6;
                }
            }
        }
        for (double* value : {&covers.all, &covers.visible, &covers.twice}) *value /= size * size;
        return covers;
    }
};

void print_row(const char* op, const char* load, int64_t strokes, double pixels, double all, double seen) {
    const double covers = counted(Work::kCovers), points = counted(Work::kCurvePoints);
    std::printf("| %s | %s | %lld | %.1f | %.1f | %.1f | %.1f | %.1f | ", op, load, static_cast<long long>(strokes),
                all, seen, counted(Work::kSamples) / pixels, covers / pixels,
                32 * counted(Work::kWarpSamples) / pixels);
    if (points > 0) {
        std::printf("%.1f | ", points / covers);
    } else {
        std::printf("- | ");
    }
    std::printf("%.1f | %.1f | %.0f |\n", counted(Work::kBoxTests) / strokes, counted(Work::kMaskWords) / strokes,
                counted(Work::kLaunches));
    std::fflush(stdout);
}

void clear() { std::fill(std::begin(emulation::work), std::end(emulation::work), 0); }

template <template <typename> class Stroke>
void count_render(const char* load, int64_t count, int size, bool opaque) {
    constexpr int kind = Stroke<float>::kKind;
    const BristleAtlas atlas;
    const Numbers<double> exact = typical_strokes<Stroke<double>>(count, opaque);
    const Covers covers = Covers::of<Stroke<double>>(exact, atlas.atlas, size);
    const Numbers<float> strokes(exact.begin(), exact.end());
    const int64_t pixels = int64_t(size) * size;
    const Numbers<float> canvas(3 * pixels, 0.5f), target(3 * pixels, 0.25f), origin(2, 0.0f);
    Numbers<float> out(3 * pixels), losses(2), grad(strokes.size());
    const RenderShape<float> shape{1, count, size, size, float(size), origin.data(), 1.0f};
    std::vector<double> space(cuda::render_loss_workspace(kind, shape) / sizeof(double) + 1);
    clear();
    cuda::launch_render(canvas.data(), strokes.data(), kind, atlas.atlas, shape, out.data(), space.data(), nullptr);
    print_row("render", load, count, double(pixels), covers.all, covers.visible);
    clear();
    cuda::launch_render_loss({target.data(), nullptr, 0.0f, 1.0f}, canvas.data(), strokes.data(), kind, atlas.atlas,
                             shape, losses.data(), grad.data(), space.data(), nullptr);
    print_row("render_loss", load, count, double(pixels), covers.all, covers.twice);
}

template <template <typename> class Stroke>
void count_draw(const char* load, int64_t count, int size) {
    constexpr int kind = Stroke<float>::kKind;
    const BristleAtlas atlas;
    const Numbers<double> exact = typical_strokes<Stroke<double>>(count, true);
    const Numbers<float> strokes(exact.begin(), exact.end());
    const int64_t pixels = int64_t(size) * size;
    Numbers<float> out(4 * pixels * count, 1.0f), grad(strokes.size());
    std::vector<double> space(cuda::rasterize_backward_workspace<float>(kind, count, size, size) / sizeof(double) + 1);
    clear();
    cuda::launch_rasterize<float>(strokes.data(), count, kind, atlas.atlas, size, size, 1.0f, Output::kSame, out.data(),
                                  out.data() + 3 * pixels * count, space.data(), nullptr);
    const double covers = counted(Work::kCovers) / double(pixels);
    print_row("rasterize", load, count, double(pixels), covers, covers);
    clear();
    cuda::launch_rasterize_backward<float>(out.data(), out.data() + 3 * pixels * count, strokes.data(), count, kind,
                                           atlas.atlas, size, size, 1.0f, grad.data(), space.data(), nullptr);
    print_row("its backward", load, count, double(pixels), covers, covers);
}

void count_composite(int64_t strokes) {
    const int64_t batch = 2, pixels = 64 * 64, all = batch * pixels;
    const Numbers<float> canvas(3 * all, 0.5f), colours(3 * all * strokes, 0.5f), alpha(all * strokes, 0.5f);
    Numbers<float> out(3 * all), by_colours(colours.size()), by_alpha(alpha.size());
    std::vector<float> space(cuda::composite_workspace(batch, strokes, pixels) + 1);
    clear();
    cuda::launch_composite_backward(canvas.data(), canvas.data(), colours.data(), alpha.data(), out.data(),
                                    by_colours.data(), by_alpha.data(), space.data(), batch, strokes, pixels, nullptr);
    std::printf("| %lld | %.2f |\n", static_cast<long long>(strokes), counted(Work::kBytes) / (4.0 * all * strokes));
}

void count_sinkhorn(double epsilon) {
    const int side = 48, iterations = 5, pixels = side * side;
    const Numbers<double> exact = random_numbers(pixels, 1, 0.05, 1), other = random_numbers(pixels, 2, 0.05, 1);
    const Numbers<float> x(exact.begin(), exact.end()), y(other.begin(), other.end());
    Numbers<float> cost(1), potentials(2 * iterations * pixels), space;
    const SinkhornShape shape{1, side, side, iterations, epsilon, TransportCost::kSquaredEuclidean};
    space.resize(cuda::sinkhorn_workspace<float>(shape) + 1);
    clear();
    cuda::launch_sinkhorn<float>(x.data(), y.data(), cost.data(), potentials.data(), nullptr, shape, nullptr);
    std::printf("| %g | %.1f |\n", epsilon, counted(Work::kExponentials) / pixels / (2 * iterations + 1));
}

// A step of a search: the copy of its rate and softness, the loss and its gradient, and the strokes' move.
void count_step() {
    const int64_t count = 500, columns = TapeStroke<float>::kParameters, size = 64;
    const BristleAtlas atlas;
    const Numbers<double> exact = typical_strokes<TapeStroke<double>>(count, true);
    Numbers<float> strokes(exact.begin(), exact.end()), grad(strokes.size()), losses(2), age(count);
    const Numbers<float> canvas(3 * size * size, 0.5f), origin(2, 0.0f), ones(strokes.size(), 1.0f), rate{0.01f};
    Numbers<float> mean(strokes.size()), square(mean), values(mean), points(mean);
    const RenderShape<float> shape{1, count, int(size), int(size), float(size), origin.data(), 1.0f};
    constexpr int kind = TapeStroke<float>::kKind;
    std::vector<double> space(cuda::render_loss_workspace(kind, shape) / sizeof(double) + 1);
    clear();
    cuda::launch_render_loss({canvas.data(), nullptr, 0.0f, 1.0f}, canvas.data(), strokes.data(), kind, atlas.atlas,
                             shape, losses.data(), grad.data(), space.data(), nullptr);
    const double loss = counted(Work::kLaunches);
    ProjectedAdam<float> adam{};
    adam.rows = count;
    adam.columns = columns;
    adam.ages = 1;
    adam.wraps = -1;
    adam.divisor = 4096;
    adam.gradient = grad.data();
    adam.scale = adam.high = adam.corrections = ones.data();
    adam.low = values.data();
    adam.rate = rate.data();
    adam.parameters = strokes.data();
    adam.values = values.data();
    adam.points = points.data();
    adam.mean = mean.data();
    adam.square = square.data();
    adam.age = age.data();
    cuda::launch_projected_adam<float>(adam, nullptr);
    const double moves = counted(Work::kLaunches) - loss;
    std::printf("\nLaunches of a search step: 1 copy + %.0f of render_loss + %.0f of projected_adam_ = %.0f\n", loss,
                moves, 1 + loss + moves);
}

}  // namespace

int main() {
    std::printf("| composite's strokes T | floats read and written backward, per pixel and T |\n|---:|---:|\n");
    for (const int64_t strokes : {4, 9, 12, 25, 60}) count_composite(strokes);
    std::printf(
        "\n| op | load | strokes | covers | needed | samples | drawn | by warps | points/cover | box tests/stroke | "
        "words/stroke | launches |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    count_draw<WatercolorStroke>("watercolor", 30, 128);
    count_draw<MarkerStroke>("marker", 30, 128);
    count_draw<RibbonStroke>("ribbon", 30, 128);
    for (const int64_t count : {500, 2000}) {
        count_render<TapeStroke>("tape, opaque", count, 256, true);
        count_render<OilStroke>("oil, opaque", count, 256, true);
        count_render<OilStroke>("oil", count, 256, false);
        count_render<WatercolorStroke>("watercolor", count, 256, false);
        count_render<MarkerStroke>("marker", count, 256, false);
    }
    std::printf("\n| sinkhorn's epsilon | exponentials per pixel and sum, 48 x 48 pixels |\n|---:|---:|\n");
    for (const double epsilon : {0.05, 0.01, 0.001}) count_sinkhorn(epsilon);
    count_step();
}
