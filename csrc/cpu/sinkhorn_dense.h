#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "common/logsumexp.h"
#include "cpu/sinkhorn_arithmetic.h"

namespace neuralpaint::cpu::transport {

// Register blocking: a tile's sums of kRowsPerTile rows, kVectors vectors wide, and a number of each row beside them.
inline constexpr int64_t kRowsPerTile = kRegisters == 32 ? 6 : 3;

// Euclidean cost: each sum runs over all pixels.
class DenseSums {
 public:
    DenseSums(const Grid& grid, double epsilon) : grid_(grid), reach_(grid.width - 1), stride_(reach_ + grid.stride) {
        const int64_t rows = grid.height + kRowsPerTile - 1;  // the last tile may hang over
        for (auto* table : {&cost_, &exponent_, &kernel_, &costly_kernel_}) table->resize(rows * stride_);
        for (int64_t r = 0; r < rows; ++r) {
            for (int64_t c = 0; c < stride_; ++c) {
                const double dy = static_cast<double>(r) / static_cast<double>(grid.height);
                const double dx = static_cast<double>(c - reach_) / static_cast<double>(grid.width);
                const int64_t at = r * stride_ + c;
                cost_[at] = std::sqrt(dx * dx + dy * dy);
                exponent_[at] = cost_[at] / epsilon;
                kernel_[at] = exp_lane(-exponent_[at]);
                costly_kernel_[at] = kernel_[at] * cost_[at];
            }
        }
    }

    // Maps with rows of zeros above and below, so that a tile of rows needs no bounds.
    struct Scratch {
        explicit Scratch(const Grid& grid)
            : before(grid.stride * kRowsPerTile),
              values(grid.size() + 3 * before, 0.0),
              weighted(grid.size() + 3 * before, 0.0) {}
        int64_t before;
        std::vector<double> values, weighted;
    };

    void negative_log_sum(const double* exponents, double* out, Scratch& scratch) const {
        const double shift = largest(exponents, grid_.size());
        double* values = scratch.values.data() + scratch.before;
        exponentials(exponents, nullptr, shift, values, nullptr, grid_.size());
        for_rows([&](int64_t begin, int64_t end) {
            accumulate(values, kernel_.data(), begin, out, false);
            for (int64_t r = begin; r < end; ++r) {
                double* sum = out + r * grid_.stride;
                if (smallest(sum, grid_.width) >= kSmallestSum) {
#pragma omp simd
                    for (int64_t c = 0; c < grid_.width; ++c) sum[c] = -(shift + log_lane(sum[c]));
                    continue;
                }
                for (int64_t c = 0; c < grid_.width; ++c)
                    sum[c] = sum[c] >= kSmallestSum ? -(shift + log_lane(sum[c]))
                                                    : pairwise_negative_log_sum(exponents, r, c);
            }
        });
    }

    void weighted_sum(const double* exponents, const double* weights, const double* scale, bool with_cost, double* out,
                      Scratch& scratch) const {
        const double shift = largest(exponents, grid_.size());
        double* values = scratch.values.data() + scratch.before;
        double* weighted = scratch.weighted.data() + scratch.before;
        const double most = exponentials(exponents, weights, shift, values, weighted, grid_.size());
        for (int64_t i = 0; weights && i < grid_.size(); ++i) weighted[i] = -weighted[i];
        const double highest = most <= kLargestWeight ? kLargestShift - shift : -kInfinity;
        for_rows([&](int64_t begin, int64_t end) {
            if (with_cost) accumulate(values, costly_kernel_.data(), begin, out, false);
            if (weights) accumulate(weighted, kernel_.data(), begin, out, with_cost);
            for (int64_t r = begin; r < end; ++r) {
                const double* z = scale + r * grid_.stride;
                double* sum = out + r * grid_.stride;
                if (largest(z, grid_.width) <= highest) {
#pragma omp simd
                    for (int64_t c = 0; c < grid_.width; ++c) sum[c] = bounded(sum[c] * exp_lane(z[c] + shift));
                    continue;
                }
                for (int64_t c = 0; c < grid_.width; ++c)
                    sum[c] = z[c] <= highest ? bounded(sum[c] * exp_lane(z[c] + shift))
                                             : pairwise_weighted_sum(exponents, weights, z[c], with_cost, r, c);
            }
        });
    }

 private:
    static constexpr int kVectors = 4;

    // Calls body(begin, end) for every kRowsPerTile rows.
    template <typename Body>
    void for_rows(const Body& body) const {
        const int64_t tiles = (grid_.height + kRowsPerTile - 1) / kRowsPerTile;
        const int64_t terms = kRowsPerTile * grid_.stride * grid_.size();
        parallel_for(0, tiles, std::max<int64_t>(1, kTermsPerTask / terms), [&](int64_t begin, int64_t end) {
            const FlushDenormals flush;
            for (int64_t t = begin; t < end; ++t)
                body(t * kRowsPerTile, std::min((t + 1) * kRowsPerTile, grid_.height));
        });
    }

    // out (+)= sum over all pixels of values * table, for kRowsPerTile rows of out from the given one on.
    void accumulate(const double* values, const double* table, int64_t row, double* out, bool add) const {
        int64_t c = 0;
        for (; c + kVectors * kWidth <= grid_.stride; c += kVectors * kWidth)
            accumulate_tile<kVectors>(values, table, row, c, out, add);
        for (; c < grid_.stride; c += kWidth) accumulate_tile<1>(values, table, row, c, out, add);
    }

    template <int V>
    void accumulate_tile(const double* values, const double* table, int64_t row, int64_t column, double* out,
                         bool add) const {
        constexpr int R = kRowsPerTile;
        const int64_t rows = std::min<int64_t>(R, grid_.height - row);
        out += row * grid_.stride + column;
        Vector sum[R][V];
        for (int r = 0; r < R; ++r)
            for (int v = 0; v < V; ++v)
                sum[r][v] = add && r < rows ? load_vector(out + r * grid_.stride + v * kWidth) : Vector(0.0);
        // Rows that lie the same distance apart share a row of the table, which is loaded once for all R of them.
        for (int64_t d = -(row + R - 1); d < grid_.height - row; ++d) {
            const double* kernel = table + std::abs(d) * stride_ + reach_ + column;
            const double* source = values + (row + d) * grid_.stride;
            for (int64_t k = 0; k < grid_.width; ++k) {
                double left[R];
                for (int r = 0; r < R; ++r) left[r] = source[r * grid_.stride + k];
                for (int v = 0; v < V; ++v) {
                    const Vector right = load_vector_once(kernel - k + v * kWidth);
                    for (int r = 0; r < R; ++r) sum[r][v] += left[r] * right;
                }
            }
        }
        for (int r = 0; r < R; ++r)
            for (int v = 0; v < V; ++v)
                if (r < rows) store(out + r * grid_.stride + v * kWidth, sum[r][v]);
    }

    double largest_exponent(const double* exponents, int64_t row, int64_t column) const {
        double most = no_terms<double>();
        for (int64_t r = 0; r < grid_.height; ++r) {
            const double* y = exponents + r * grid_.stride;
            const double* far = exponent_.data() + std::abs(r - row) * stride_ + reach_ - column;
            most =
                largest_of(most, grid_.width, [&](const auto& load, int64_t c) { return load(y + c) - load(far + c); });
        }
        return most;
    }

    double pairwise_negative_log_sum(const double* exponents, int64_t row, int64_t column) const {
        const double most = largest_exponent(exponents, row, column);
        double sum = 0;
        for (int64_t r = 0; r < grid_.height; ++r) {
            const double* y = exponents + r * grid_.stride;
            const double* far = exponent_.data() + std::abs(r - row) * stride_ + reach_ - column;
#pragma omp simd reduction(+ : sum)
            for (int64_t c = 0; c < grid_.width; ++c) sum += exp_lane(y[c] - far[c] - most);
        }
        return -(most + log_lane(sum));
    }

    double pairwise_weighted_sum(const double* exponents, const double* weights, double scale, bool with_cost,
                                 int64_t row, int64_t column) const {
        const double most = largest_exponent(exponents, row, column);
        const double factor = with_cost ? 1.0 : 0.0;
        double sum = 0;
        for (int64_t r = 0; r < grid_.height; ++r) {
            const double* y = exponents + r * grid_.stride;
            const double* w = weights ? weights + r * grid_.stride : nullptr;
            const double* far = exponent_.data() + std::abs(r - row) * stride_ + reach_ - column;
            const double* cost = cost_.data() + std::abs(r - row) * stride_ + reach_ - column;
#pragma omp simd reduction(+ : sum)
            for (int64_t c = 0; c < grid_.width; ++c) {
                const double weight = w ? w[c] : 0.0;
                sum += exp_lane(y[c] - far[c] - most) * (factor * cost[c] - weight);
            }
        }
        return bounded(bounded(sum) * exp_lane(most + scale));
    }

    Grid grid_;
    int64_t reach_, stride_;  // a table's row runs from -reach_ to stride_ - reach_ - 1 columns
    std::vector<double> cost_, exponent_, kernel_, costly_kernel_;
};

}  // namespace neuralpaint::cpu::transport
