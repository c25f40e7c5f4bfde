// A step of Adam on numbers that are held within limits, for one number: what both back ends compute.
#pragma once

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

// Arrays of [rows, columns], but for age [rows], rate [1] and corrections [ages]. See ops/projected_adam.py.
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

    // Of a row that has taken so many steps, this one included; NaN counts as the first.
    NP_HD T correction(T steps) const {
        const int64_t step = !(steps > T(1)) ? 1 : steps < T(ages) ? static_cast<int64_t>(steps) : ages;
        return corrections[step - 1];
    }

    // A step of number i, of which `wrapped` says whether it wraps around.
    NP_HD void step(int64_t i, T row_correction, bool wrapped) const {
        const T g = gradient[i] * (scale[i] / divisor);
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
