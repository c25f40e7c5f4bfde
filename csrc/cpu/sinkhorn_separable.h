#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/logsumexp.h"
#include "cpu/sinkhorn_arithmetic.h"

namespace neuralpaint::cpu::transport {

// Squared Euclidean cost: sums over all pixels as a pass along rows and a pass along columns.
class SeparableSums {
 public:
    SeparableSums(const Grid& grid, double epsilon)
        : grid_(grid),
          rows_(line(grid.height, grid.height, grid.height, epsilon)),
          columns_(line(grid.width, grid.stride, grid.width, epsilon)) {}

    struct Scratch {
        explicit Scratch(const Grid& grid)
            : values(grid.size()), weighted(grid.size()), first(grid.size()), second(grid.size()), shift(grid.size()) {}
        std::vector<double> values, weighted, first, second, shift;
    };

    // out_i = -log sum_j exp(exponents_j - C_ij / epsilon)
    void negative_log_sum(const double* exponents, double* out, Scratch& scratch) const {
        const int64_t size = grid_.size();
        const double shift = largest(exponents, size);
        exponentials(exponents, nullptr, shift, scratch.values.data(), nullptr, size);
        along_rows(scratch.values, columns_.kernel, scratch.first, false);
        along_columns(scratch.first, rows_.kernel, out, false);
        if (!(smallest(out, size) >= kSmallestSum)) return negative_log_sum_by_logarithms(exponents, out, scratch);
#pragma omp simd
        for (int64_t i = 0; i < size; ++i) out[i] = -(shift + log_lane(out[i]));
    }

    // out_i = exp(scale_i) sum_j exp(exponents_j - C_ij / epsilon) ([C_ij if with_cost] - weights_j); weights may be
    // null
    void weighted_sum(const double* exponents, const double* weights, const double* scale, bool with_cost, double* out,
                      Scratch& scratch) const {
        const int64_t size = grid_.size();
        const double shift = largest(exponents, size);
        const double most =
            exponentials(exponents, weights, shift, scratch.values.data(), scratch.weighted.data(), size);
        if (!(largest(scale, size) + shift <= kLargestShift && most <= kLargestWeight))
            return weighted_sum_by_logarithms(exponents, weights, scale, with_cost, out, scratch);
        if (weights) {
            for (int64_t i = 0; i < size; ++i) scratch.weighted[i] = -scratch.weighted[i];
            along_rows(scratch.weighted, columns_.kernel, scratch.first, false);
        }
        if (with_cost) {
            along_rows(scratch.values, columns_.costly_kernel, scratch.first, weights != nullptr);
            along_rows(scratch.values, columns_.kernel, scratch.second, false);
        }
        along_columns(scratch.first, rows_.kernel, out, false);
        if (with_cost) along_columns(scratch.second, rows_.costly_kernel, out, true);
#pragma omp simd
        for (int64_t i = 0; i < size; ++i) out[i] = bounded(out[i] * exp_lane(scale[i] + shift));
    }

 private:
    // Tables between two positions of a line, [count, stride]. Columns of padding repeat the last one, so that sums
    // there are as harmless as in the picture.
    struct Line {
        std::vector<double> cost, exponent, kernel, costly_kernel;
    };

    static Line line(int64_t count, int64_t stride, int64_t side, double epsilon) {
        Line tables;
        for (auto* table : {&tables.cost, &tables.exponent, &tables.kernel, &tables.costly_kernel})
            table->resize(count * stride);
        for (int64_t i = 0; i < count; ++i) {
            for (int64_t j = 0; j < stride; ++j) {
                const int64_t at = i * stride + j;
                const double distance = static_cast<double>(i - std::min(j, count - 1)) / static_cast<double>(side);
                tables.cost[at] = distance * distance;
                tables.exponent[at] = tables.cost[at] / epsilon;
                tables.kernel[at] = exp_lane(-tables.exponent[at]);
                tables.costly_kernel[at] = tables.kernel[at] * tables.cost[at];
            }
        }
        return tables;
    }

    void along_rows(const std::vector<double>& values, const std::vector<double>& kernel, std::vector<double>& out,
                    bool accumulate) const {
        product(values.data(), grid_.stride, kernel.data(), grid_.stride, out.data(), grid_.height, grid_.width,
                accumulate);
    }

    void along_columns(const std::vector<double>& values, const std::vector<double>& kernel, double* out,
                       bool accumulate) const {
        product(kernel.data(), grid_.height, values.data(), grid_.stride, out, grid_.height, grid_.height, accumulate);
    }

    void negative_log_sum_by_logarithms(const double* exponents, double* out, Scratch& scratch) const {
        const int64_t height = grid_.height, width = grid_.width, stride = grid_.stride;
        for_lines([&](int64_t r) {
            double* shift = scratch.shift.data() + r * stride;
            double* sum = scratch.first.data() + r * stride;
            std::fill_n(shift, stride, no_terms<double>());
            std::fill_n(sum, stride, 0.0);
            for (int64_t k = 0; k < width; ++k)
                raise(exponents[r * stride + k], columns_.exponent.data() + k * stride, shift, stride);
            for (int64_t k = 0; k < width; ++k) {
                const double y = exponents[r * stride + k];
                const double* far = columns_.exponent.data() + k * stride;
#pragma omp simd
                for (int64_t c = 0; c < stride; ++c) sum[c] += exp_lane(y - far[c] - shift[c]);
            }
#pragma omp simd
            for (int64_t c = 0; c < stride; ++c) sum[c] = shift[c] + log_lane(sum[c]);
        });
        for_lines([&](int64_t r) {
            double* shift = scratch.shift.data() + r * stride;
            double* sum = out + r * stride;
            std::fill_n(shift, stride, no_terms<double>());
            std::fill_n(sum, stride, 0.0);
            for (int64_t k = 0; k < height; ++k) {
                const double* inner = scratch.first.data() + k * stride;
                const double far = rows_.exponent[r * height + k];
#pragma omp simd
                for (int64_t c = 0; c < stride; ++c) shift[c] = inner[c] - far > shift[c] ? inner[c] - far : shift[c];
            }
            for (int64_t k = 0; k < height; ++k) {
                const double* inner = scratch.first.data() + k * stride;
                const double far = rows_.exponent[r * height + k];
#pragma omp simd
                for (int64_t c = 0; c < stride; ++c) sum[c] += exp_lane(inner[c] - far - shift[c]);
            }
#pragma omp simd
            for (int64_t c = 0; c < stride; ++c) sum[c] = -(shift[c] + log_lane(sum[c]));
        });
    }

    // Sums of the first pass stay apart from their exponent: (weight or cost) times a mantissa of size about 1.
    void weighted_sum_by_logarithms(const double* exponents, const double* weights, const double* scale, bool with_cost,
                                    double* out, Scratch& scratch) const {
        const int64_t height = grid_.height, width = grid_.width, stride = grid_.stride;
        const double factor = with_cost ? 1.0 : 0.0;
        double* const mass = scratch.second.data();     // sum of exponentials
        double* const weighted = scratch.first.data();  // the same, weighted
        double* const shifts = scratch.shift.data();
        for_lines([&](int64_t r) {
            double *shift = shifts + r * stride, *plain = mass + r * stride, *sum = weighted + r * stride;
            std::fill_n(shift, stride, no_terms<double>());
            std::fill_n(plain, stride, 0.0);
            std::fill_n(sum, stride, 0.0);
            for (int64_t k = 0; k < width; ++k)
                raise(exponents[r * stride + k], columns_.exponent.data() + k * stride, shift, stride);
            for (int64_t k = 0; k < width; ++k) {
                const double y = exponents[r * stride + k];
                const double weight = weights ? weights[r * stride + k] : 0.0;
                const double* far = columns_.exponent.data() + k * stride;
                const double* cost = columns_.cost.data() + k * stride;
#pragma omp simd
                for (int64_t c = 0; c < stride; ++c) {
                    const double term = exp_lane(y - far[c] - shift[c]);
                    plain[c] += term;
                    sum[c] += term * (factor * cost[c] - weight);
                }
            }
        });
        // values and weighted of the scratch are free here: values holds the second pass's shifts.
        for_lines([&](int64_t r) {
            double *shift = scratch.values.data() + r * stride, *sum = out + r * stride;
            std::fill_n(shift, stride, no_terms<double>());
            std::fill_n(sum, stride, 0.0);
            for (int64_t k = 0; k < height; ++k) {
                const double* inner = shifts + k * stride;
                const double far = rows_.exponent[r * height + k];
#pragma omp simd
                for (int64_t c = 0; c < stride; ++c) shift[c] = inner[c] - far > shift[c] ? inner[c] - far : shift[c];
            }
            for (int64_t k = 0; k < height; ++k) {
                const double* inner = shifts + k * stride;
                const double *plain = mass + k * stride, *inner_sum = weighted + k * stride;
                const double far = rows_.exponent[r * height + k];
                const double cost = factor * rows_.cost[r * height + k];
#pragma omp simd
                for (int64_t c = 0; c < stride; ++c)
                    sum[c] += exp_lane(inner[c] - far - shift[c]) * (inner_sum[c] + cost * plain[c]);
            }
#pragma omp simd
            for (int64_t c = 0; c < stride; ++c)
                sum[c] = bounded(bounded(sum[c]) * exp_lane(shift[c] + scale[r * stride + c]));
        });
    }

    static void raise(double y, const double* far, double* shift, int64_t count) {
#pragma omp simd
        for (int64_t c = 0; c < count; ++c) shift[c] = y - far[c] > shift[c] ? y - far[c] : shift[c];
    }

    template <typename Line>
    void for_lines(const Line& line) const {
        const int64_t terms = grid_.stride * std::max(grid_.width, grid_.height) * 8;  // an exp costs about 8 of them
        parallel_for(0, grid_.height, std::max<int64_t>(1, kTermsPerTask / terms), [&](int64_t begin, int64_t end) {
            const FlushDenormals flush;
            for (int64_t r = begin; r < end; ++r) line(r);
        });
    }

    Grid grid_;
    Line rows_, columns_;
};

}  // namespace neuralpaint::cpu::transport
