// Derivatives by gradients beside finite differences.
#pragma once

#include "tests/path_kernels.h"

namespace neuralpaint {

inline void test_path_gradients(int64_t kind, int64_t spread) {
    PathCase test(13, 11, 0, 1, 1);
    test.styles = {0, 1, 1, 0, -1, 1, 1, 1, -1, 0};
    const int64_t gradients[3] = {kind, spread, 3};
    Numbers<double> stops = random_numbers(2 * 3 * kStopNumbers, 31),
                    maps = random_numbers(2 * kMapNumbers, 32, 0, 0.2);
    for (int b = 0; b < 2; ++b) {
        for (int k = 0; k < 3; ++k) stops[kStopNumbers * (3 * b + k)] = 0.15 + 0.3 * k;
    }
    PathShape shape = test.shape();
    shape.gradients = 1, shape.stops = 3, shape.gradient_styles = gradients;
    const auto values = [&] {
        PathValues<double> found = test.values();
        found.stops = stops.data(), found.maps = maps.data();
        return found;
    };
    const auto loss = [&] {
        Numbers<double> out(test.canvas.size());
        cpu::render_paths(test.canvas.data(), values(), shape, out.data());
        double sum = 0;
        for (size_t i = 0; i < out.size(); ++i) sum += out[i] * test.grad[i];
        return sum;
    };
    Numbers<double> canvas(test.canvas.size()), points(test.points.size()), fill(16), stroke(16), widths(4),
        by_stops(stops.size()), by_maps(maps.size());
    cpu::render_paths_backward(
        test.grad.data(), test.canvas.data(), values(), shape, canvas.data(),
        {points.data(), fill.data(), stroke.data(), widths.data(), by_stops.data(), by_maps.data()});
    const auto check = [&](Numbers<double>& numbers, const Numbers<double>& found) {
        for (size_t i = 0; i < numbers.size(); ++i) {
            const double step = 1e-6, before = numbers[i];
            numbers[i] = before + step;
            const double above = loss();
            numbers[i] = before - step;
            const double below = loss();
            numbers[i] = before;
            CHECK_NEAR((above - below) / (2 * step), found[i], 2e-5);
        }
    };
    check(stops, by_stops);
    check(maps, by_maps);
    check(test.fill, fill);
}

}  // namespace neuralpaint
