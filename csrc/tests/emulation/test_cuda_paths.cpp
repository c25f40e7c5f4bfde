// The CUDA kernels of render_paths, emulated, against the CPU's. They run with threads and blocks taking turns in
// several orders, which must give the same bits; their memory holds nothing but NaN before, and is not overrun.
#include <algorithm>
#include <cstring>
#include <list>
#include <vector>

#include "cuda/paths.h"
#include "cuda_runtime.h"
#include "tests/path_kernels.h"

using namespace neuralpaint;

namespace {

using emulation::Order;

// Memory as the caller gives it, each piece between borders that must stay as they were.
class Memory {
 public:
    ~Memory() {
        for (const auto& piece : pieces_) {
            CHECK(std::all_of(piece.begin(), piece.begin() + kBorder, [](unsigned char c) { return c == 0xff; }));
            CHECK(std::all_of(piece.end() - kBorder, piece.end(), [](unsigned char c) { return c == 0xff; }));
        }
    }
    cuda::Allocate allocate() {
        return [this](int64_t bytes) -> void* {
            pieces_.emplace_back(bytes + 2 * kBorder, 0xff);
            return pieces_.back().data() + kBorder;
        };
    }

 private:
    static constexpr int kBorder = 256;
    std::list<std::vector<unsigned char>> pieces_;
};

// Pictures of paths of one to three contours, with gradients, and all that a call takes.
template <typename T>
struct Scene {
    int height, width;
    int64_t batch, paths, segments = 0;
    std::vector<int64_t> layout, styles, gradient_styles{0, 1, 3, 1, 0, 2, 1, 2, 1};
    std::vector<double> limits;
    std::vector<T> points, fill, stroke, widths, stops, maps, canvas, grad;

    Scene(int rows, int columns, int64_t pictures, int64_t count, double reach, uint64_t seed)
        : height(rows), width(columns), batch(pictures), paths(count) {
        check::Random random(seed);
        for (int64_t p = 0; p < paths; ++p) {
            for (int64_t c = 0; c <= (p + static_cast<int64_t>(seed)) % 3; ++c) {
                const auto length = static_cast<int64_t>(random.uniform(1, 4));
                layout.insert(layout.end(), {p, length, static_cast<int64_t>(random.uniform(0, 2))});
                segments += length;
            }
            const auto pick = [&](double low, double high) { return static_cast<int64_t>(random.uniform(low, high)); };
            styles.insert(styles.end(), {pick(0, 2), pick(0, 3), pick(0, 3), pick(0, 6) - 3, pick(0, 6) - 3});
            for (size_t k = styles.size() - 2; k < styles.size(); ++k) styles[k] = std::max<int64_t>(-1, styles[k]);
            limits.push_back(random.uniform(1, 9));
        }
        const double side = std::max(rows, columns);
        points = numbers(batch * segments * 8, seed + 1, -reach * side, (1 + reach) * side);
        fill = numbers(batch * paths * 4, seed + 2, 0, 1), stroke = numbers(batch * paths * 4, seed + 3, 0, 1);
        widths = numbers(batch * paths, seed + 4, 0, 0.2 * side);
        stops = numbers(batch * 6 * kStopNumbers, seed + 5, 0, 1);
        maps = numbers(batch * 3 * kMapNumbers, seed + 6, -0.1, 0.1);
        canvas = numbers(batch * 3 * rows * columns, seed + 7, 0, 1);
        grad = numbers(canvas.size(), seed + 8, -1, 1);
    }
    static std::vector<T> numbers(int64_t count, uint64_t seed, double low, double high) {
        const Numbers<double> found = random_numbers(count, seed, low, high);
        return std::vector<T>(found.begin(), found.end());
    }
    PathShape shape() const {
        return {batch,
                segments,
                static_cast<int64_t>(layout.size() / 3),
                paths,
                height,
                width,
                layout.data(),
                styles.data(),
                limits.data(),
                static_cast<int64_t>(gradient_styles.size() / 3),
                stops.empty() ? 0 : 6,
                gradient_styles.data()};
    }
    PathValues<T> values(bool fills, bool strokes) const {
        return {points.data(),
                fills ? fill.data() : nullptr,
                strokes ? stroke.data() : nullptr,
                strokes ? widths.data() : nullptr,
                stops.data(),
                maps.data()};
    }
    // The picture and all derivatives, one after the other: [canvas, canvas, points, fill, stroke, width, stops, maps].
    std::vector<size_t> sizes() const {
        return {canvas.size(), canvas.size(), points.size(), fill.size(),
                stroke.size(), widths.size(), stops.size(),  maps.size()};
    }
    size_t size() const {
        size_t sum = 0;
        for (const size_t each : sizes()) sum += each;
        return sum;
    }
    template <typename Forward, typename Backward>
    std::vector<T> run(bool fills, bool strokes, Forward&& forward, Backward&& backward) const {
        std::vector<T> results(size(), T(0));
        std::vector<T*> at{results.data()};
        for (const size_t each : sizes()) at.push_back(at.back() + each);
        forward(canvas.data(), values(fills, strokes), shape(), at[0]);
        const PathGradients<T> grads{
            at[2], fills ? at[3] : nullptr, strokes ? at[4] : nullptr, strokes ? at[5] : nullptr, at[6], at[7]};
        backward(grad.data(), canvas.data(), values(fills, strokes), shape(), at[1], grads);
        return results;
    }
};

template <typename T>
std::vector<T> on_cpu(const Scene<T>& scene, bool fills, bool strokes) {
    return scene.run(
        fills, strokes, [](auto... arguments) { cpu::render_paths<T>(arguments...); },
        [](auto... arguments) { cpu::render_paths_backward<T>(arguments...); });
}

template <typename T>
std::vector<T> emulated(const Scene<T>& scene, bool fills, bool strokes) {
    Memory memory;
    return scene.run(
        fills, strokes,
        [&](auto... arguments) { cuda::launch_render_paths<T>(arguments..., memory.allocate(), nullptr); },
        [&](auto... arguments) { cuda::launch_render_paths_backward<T>(arguments..., memory.allocate(), nullptr); });
}

template <typename T>
void compare(const Scene<T>& scene, bool fills, bool strokes, double tolerance) {
    const std::vector<T> truth = on_cpu(scene, fills, strokes);
    std::vector<T> first;
    for (const Order order : {Order::kForward, Order::kBackward, Order::kShuffled}) {
        emulation::order = order;
        const std::vector<T> found = emulated(scene, fills, strokes);
        if (first.empty()) first = found;
        CHECK(std::memcmp(first.data(), found.data(), found.size() * sizeof(T)) == 0);
    }
    emulation::order = Order::kForward;
    size_t at = 0;
    for (const size_t each : scene.sizes()) {
        double scale = 1, worst = 0;
        for (size_t i = at; i < at + each; ++i) scale = std::max(scale, std::fabs(double(truth[i])));
        for (size_t i = at; i < at + each; ++i) {
            const double off = std::fabs(double(first[i]) - double(truth[i])) / scale;
            if (!(off <= worst)) worst = off;
        }
        CHECK_NEAR(worst, 0, tolerance);
        at += each;
    }
}

template <typename T>
Scene<T> without_gradients(Scene<T> scene) {
    for (size_t i = 0; i < scene.styles.size(); ++i) {
        if (i % kStyles > 2) scene.styles[i] = -1;
    }
    scene.gradient_styles.clear(), scene.stops.clear(), scene.maps.clear();
    return scene;
}

}  // namespace

int main() {
    for (uint64_t seed = 1; seed < 4; ++seed) {
        compare(Scene<double>(21, 35, 2, 3, 0.2, seed), true, true, 1e-12);
        compare(Scene<float>(21, 35, 1, 3, 0.2, seed), true, true, 5e-6);
    }
    compare(Scene<double>(17, 16, 1, 2, 0.3, 7), true, false, 1e-12);
    compare(Scene<double>(33, 9, 1, 2, 0.3, 8), false, true, 1e-12);
    compare(without_gradients(Scene<double>(33, 40, 2, 4, 0.3, 8)), true, true, 1e-12);
    compare(Scene<double>(5, 3, 1, 2, 30, 9), true, true, 1e-12);  // most of it far outside
    compare(Scene<double>(1, 1, 1, 1, 0.5, 10), true, true, 1e-12);
    compare(Scene<double>(16, 20, 1, 0, 0.5, 11), true, true, 1e-12);
    compare(Scene<double>(16, 20, 0, 2, 0.5, 12), true, true, 1e-12);
    compare(Scene<double>(18, 18, 1, 150, 0.1, 13), true, true, 1e-12);  // more layers than are listed at a time
    emulation::scarcity = 16;                                            // many portions
    compare(Scene<double>(18, 34, 1, 20, 0.1, 14), true, true, 1e-12);
    emulation::scarcity = 1;
    return check::failures();
}
