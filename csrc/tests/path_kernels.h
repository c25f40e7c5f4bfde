// Tests of the kernels of render_paths: known areas, and derivatives beside finite differences.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "cpu/paths.h"
#include "tests/plain_kernels.h"

namespace neuralpaint {

// Two pictures of three contours in two paths, partly outside.
struct PathCase {
    int height, width;
    std::vector<int64_t> layout{0, 2, 1, 0, 1, 0, 1, 2, 0}, styles;
    std::vector<double> limits{4, 1.5};
    Numbers<double> points, fill, stroke, widths, canvas, grad;

    PathCase(int rows, int columns, int64_t rule, int64_t cap, int64_t join, double size = 1)
        : height(rows), width(columns), styles{rule, cap, join, -1, -1, 1 - rule, cap, join, -1, -1} {
        points = random_numbers(2 * 5 * 8, 21, -4, 1.2 * std::max(rows, columns));
        for (double& coordinate : points) coordinate *= size;
        fill = random_numbers(2 * 2 * 4, 22), stroke = random_numbers(2 * 2 * 4, 23);
        widths = random_numbers(2 * 2, 24, 0.3, 4);
        canvas = random_numbers(2 * 3 * rows * columns, 25), grad = random_numbers(canvas.size(), 26, -1, 1);
    }

    PathShape shape() const { return {2, 5, 3, 2, height, width, layout.data(), styles.data(), limits.data()}; }
    PathValues<double> values() const { return {points.data(), fill.data(), stroke.data(), widths.data()}; }

    Numbers<double> drawn() const {
        Numbers<double> out(canvas.size());
        cpu::render_paths(canvas.data(), values(), shape(), out.data());
        return out;
    }
    double loss() const {
        double sum = 0;
        const Numbers<double> out = drawn();
        for (size_t i = 0; i < out.size(); ++i) sum += out[i] * grad[i];
        return sum;
    }
};

inline void test_paths(int height, int width, int64_t rule, int64_t cap, int64_t join) {
    PathCase test(height, width, rule, cap, join);
    Numbers<double> by_canvas(test.canvas.size()), by_points(test.points.size()), by_fill(test.fill.size()),
        by_stroke(test.stroke.size()), by_widths(test.widths.size());
    cpu::render_paths_backward(test.grad.data(), test.canvas.data(), test.values(), test.shape(), by_canvas.data(),
                               {by_points.data(), by_fill.data(), by_stroke.data(), by_widths.data()});
    const auto check = [&](Numbers<double>& numbers, const Numbers<double>& found, size_t stride) {
        for (size_t i = 0; i < numbers.size(); i += stride) {
            const double step = 1e-6, before = numbers[i];
            numbers[i] = before + step;
            const double above = test.loss();
            numbers[i] = before - step;
            const double below = test.loss();
            numbers[i] = before;
            CHECK_NEAR((above - below) / (2 * step), found[i], 1e-5);
        }
    };
    check(test.points, by_points, 3);
    check(test.fill, by_fill, 3);
    check(test.stroke, by_stroke, 3);
    check(test.widths, by_widths, 1);
    check(test.canvas, by_canvas, test.canvas.size() / 7 + 1);
}

// A rectangle with corners between pixels: its coverage is known.
template <typename T>
void test_rectangle(double tolerance) {
    const int height = 37, width = 29;
    const T left = T(3.25), top = T(-2.5), right = T(20.125), bottom = T(33.75);
    const T corners[5][2] = {{left, top}, {right, top}, {right, bottom}, {left, bottom}, {left, top}};
    std::vector<T> points;
    for (int side = 0; side < 4; ++side) {
        for (int k = 0; k < 4; ++k) {
            for (int c = 0; c < 2; ++c) {
                points.push_back(corners[side][c] + (corners[side + 1][c] - corners[side][c]) * T(k) / T(3));
            }
        }
    }
    const int64_t layout[3] = {0, 4, 1}, styles[5] = {0, 0, 0, -1, -1};
    const T fill[4] = {1, 1, 1, 1};
    const double limit = 4;
    const std::vector<T> canvas(3 * height * width, T(0));
    std::vector<T> out(canvas.size());
    cpu::render_paths<T>(canvas.data(), {points.data(), fill, nullptr, nullptr},
                         {1, 4, 1, 1, height, width, layout, styles, &limit}, out.data());
    const auto share = [](double pixel, double low, double high) {
        return std::max(0.0, std::min(pixel + 1, high) - std::max(pixel, low));
    };
    double worst = 0;
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            const double expected = share(y, top, bottom) * share(x, left, right);
            worst = std::max(worst, std::fabs(double(out[y * width + x]) - expected));
        }
    }
    CHECK_NEAR(worst, 0, tolerance);
}

// Shapes far larger than the picture, and of no size: whatever is drawn is finite.
inline void test_extreme_paths() {
    for (const double size : {0.0, 1e-300, 1e5, 1e20, 1e300}) {
        for (int64_t cap = 0; cap < 3; ++cap) {
            const PathCase test(19, 23, cap % 2, cap, 2 - cap, size);
            Numbers<double> grads(test.canvas.size()), points(test.points.size()), fill(16), stroke(16), widths(4);
            cpu::render_paths_backward(test.grad.data(), test.canvas.data(), test.values(), test.shape(), grads.data(),
                                       {points.data(), fill.data(), stroke.data(), widths.data()});
            double sum = 0;
            for (const double value : test.drawn()) sum += value;
            for (const auto& numbers : {grads, points, fill, stroke, widths}) {
                for (const double value : numbers) sum += value;
            }
            CHECK(std::isfinite(sum));
        }
    }
}

}  // namespace neuralpaint
