// A step of Adam on numbers that are held within limits, for one number: what both back ends compute.
#pragma once

#include <cmath>
#include <cstdint>

#include "common/scalar.h"

namespace neuralpaint {

// Rounded once where the processor can, whatever the compiler is told of contraction.
NP_HD float multiply_add(float a, float b, float c) {
#if defined(__FMA__) || defined(__CUDA_ARCH__) || defined(__aarch64__)
    return fmaf(a, b, c);
#else
    return a * b + c;
#endif
}
NP_HD double multiply_add(double a, double b, double c) {
#if defined(__FMA__) || defined(__CUDA_ARCH__) || defined(__aarch64__)
    return fma(a, b, c);
#else
    return a * b + c;
#endif
}

// The pull of strokes, a row each, into the directions of a field: see Pull in ops/projected_adam.py.
template <typename T>
struct Pull {
    const T* field;  // [2, height, width]; null: no pull
    int64_t height, width;
    T across, down, strength;
    int64_t start, end, size, sizes;

    // The derivatives by x and y of the end that are added, and taken from those of the start; of a box, whose `start`
    // is -1, that by its angle, in `by_x`.
    NP_HD void push(const T* row, T& by_x, T& by_y) const {
        T x, y, area, sine, cosine, inverse(0), chord_x(0), chord_y(0);
        if (start < 0) {
            const T w = row[size], h = row[size + 1];
            x = row[0];
            y = row[1];
            // The longer side is the direction; a square has none.
            area = w * h * ((w - h) / vmax(w + h, T(1e-6)));
            turned(T(2) * row[end], sine, cosine);
        } else {
            chord_x = row[end] - row[start];
            chord_y = row[end + 1] - row[start + 1];
            x = (row[start] + row[end]) / T(2);
            y = (row[start + 1] + row[end + 1]) / T(2);
            const T square = chord_x * chord_x + chord_y * chord_y;
            inverse = T(1) / vmax(square, T(1e-8));
            area = vsqrt(square) * (sizes == 2 ? (row[size] + row[size + 1]) / T(2) : row[size]);
            // Of twice the angle, whose y points up.
            sine = T(-2) * chord_x * chord_y * inverse;
            cosine = (chord_x * chord_x - chord_y * chord_y) * inverse;
        }
        const int64_t at = index(y * (T(height) / down), height) * width + index(x * (T(width) / across), width);
        // sin 2d times the field's length, for the angle d between them.
        const T slope = strength * area * (sine * field[at] - cosine * field[height * width + at]);
        by_x = start < 0 ? T(3.141592653589793) * slope : chord_y * (slope * inverse);
        by_y = -chord_x * (slope * inverse);
    }
    // What `push` adds to the derivative by a column.
    NP_HD T added(int64_t column, T by_x, T by_y) const {
        if (start < 0) return column == end ? by_x : T(0);
        return column == end         ? by_x
               : column == end + 1   ? by_y
               : column == start     ? -by_x
               : column == start + 1 ? -by_y
                                     : T(0);
    }

 private:
    // sin and cos of x half turns.
    NP_HD static void turned(T x, T& sine, T& cosine) {
#if defined(__CUDA_ARCH__)
        sine = sinpi(x);  // no reduction of large angles, for which registers spill
        cosine = cospi(x);
#else
        sine = std::sin(T(3.141592653589793) * x);
        cosine = std::cos(T(3.141592653589793) * x);
#endif
    }
    NP_HD static int64_t index(T x, int64_t count) {  // NaN counts as 0
        return x > T(0) ? (x < T(count - 1) ? static_cast<int64_t>(x) : count - 1) : 0;
    }
};

// Arrays of [rows, columns], but for age [rows], rate [1], corrections [ages] and extra [extra_rows, columns]. See
// ops/projected_adam.py.
template <typename T>
struct ProjectedAdam {
    int64_t rows, columns, ages;
    int64_t wraps;  // the column that wraps around from 1 to 0; -1: none
    T first, second, epsilon, divisor;
    T one_less_first, one_less_second;  // 1 - first, 1 - second, rounded once
    const T *gradient, *scale, *low, *high;
    const T* moves;  // null: all move
    const T *rate, *corrections;
    T *parameters, *values, *points, *mean, *square, *age;
    const T* extra;
    int64_t extra_rows;
    T extra_factor;
    Pull<T> pull;

    // Of a row that has taken so many steps, this one included; NaN counts as the first.
    NP_HD T correction(T steps) const {
        const int64_t step = !(steps > T(1)) ? 1 : steps < T(ages) ? static_cast<int64_t>(steps) : ages;
        return corrections[step - 1];
    }

    // The gradient by number i, without the pull.
    NP_HD T given(int64_t i, bool has_extra) const {
        return has_extra ? multiply_add(extra_factor, extra[i], gradient[i]) : gradient[i];
    }

    // A step of number i by its gradient; `wrapped` says whether it wraps around.
    NP_HD void step(int64_t i, T by_value, T row_correction, bool wrapped) const {
        const T g = by_value * (scale[i] / divisor);
        const T m = mean[i], part = one_less_first;
        // As torch.lerp: exact at both ends.
        const T average = part < T(0.5) ? multiply_add(part, g - m, m) : multiply_add(part - T(1), g - m, g);
        const T squares = multiply_add(one_less_second * g, g, square[i] * second);
        const T size = moves == nullptr ? *rate : *rate * moves[i];
        const T root = vsqrt(squares) * row_correction;
        const T change = average / (root + epsilon) * size;
        const T x = (parameters[i] - change) * scale[i];
        const T above = x < low[i] ? low[i] : x, limited = above > high[i] ? high[i] : above;  // NaN stays NaN
        const T value = wrapped ? x - vfloor(x) : limited;
        const T parameter = value / scale[i];
        mean[i] = average;
        square[i] = squares;
        values[i] = value;
        parameters[i] = parameter;
        points[i] = parameter * scale[i];
    }
};

}  // namespace neuralpaint
