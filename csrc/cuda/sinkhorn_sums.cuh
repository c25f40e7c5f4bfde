// Sums over all pixels of exponentials, as the Sinkhorn kernels take them: a team's threads together, thread t of n for
// pixels t, t + n, ....
#pragma once

#include <cuda_runtime.h>

#include "common/logsumexp.h"
#include "common/scalar.h"
#include "cuda/team.cuh"

namespace neuralpaint::cuda::transport {

__device__ __forceinline__ float exponential(float x) { return exp2f(x * 1.44269504f); }
__device__ __forceinline__ double exponential(double x) { return exp(x); }

// exp, held below overflow, and the bound within which gradients are held. Both let NaN through, as fmin would not.
__device__ __forceinline__ float bounded_exponential(float x) { return exponential(x > 88.0f ? 88.0f : x); }
__device__ __forceinline__ double bounded_exponential(double x) { return exponential(x > 709.0 ? 709.0 : x); }
__device__ __forceinline__ float bounded(float x) { return x < -1e38f ? -1e38f : x > 1e38f ? 1e38f : x; }
__device__ __forceinline__ double bounded(double x) { return x < -1e300 ? -1e300 : x > 1e300 ? 1e300 : x; }

// What the sums by exponentials first may hold; see cpu/sinkhorn_arithmetic.h. A larger sum has lost nothing that
// counts to underflow; exp of the largest shift, times the largest weight, is finite, and times what has underflowed
// nothing.
template <typename T>
constexpr T kSmallestSum = sizeof(T) == 8 ? T(1e-280) : T(1e-26);
template <typename T>
constexpr T kLargestShift = sizeof(T) == 8 ? T(600) : T(40);
template <typename T>
constexpr T kLargestWeight = sizeof(T) == 8 ? T(1e30) : T(1e10);

template <typename T>
struct Grid {
    int height, width, pixels;
    T row_cost, column_cost;  // squared distance of neighbours
    T inverse_epsilon;
};

// Squared Euclidean cost: a pass along rows, then one along columns.
template <typename T, typename Team>
class SeparableSums {
 public:
    // Elements of scratch.
    static __host__ __device__ __forceinline__ int64_t scratch(int height, int width) {
        return 3 * static_cast<int64_t>(height) * width + 2 * (static_cast<int64_t>(height) + width);
    }
    __device__ SeparableSums(Team& team, const Grid<T>& grid, T* scratch)
        : team_(team), grid_(grid), shift_(scratch), mass_(scratch + grid.pixels), sum_(scratch + 2 * grid.pixels) {
        row_kernel_ = scratch + 3 * grid.pixels;
        row_costly_ = row_kernel_ + grid.height;
        column_kernel_ = row_costly_ + grid.height;
        column_costly_ = column_kernel_ + grid.width;
        fill(row_kernel_, row_costly_, grid.height, grid.row_cost);
        fill(column_kernel_, column_costly_, grid.width, grid.column_cost);
    }

    // emit(i, -log sum_j exp(exponents_j - C_ij / epsilon))
    template <typename Emit>
    __device__ __forceinline__ void negative_log_sum(const T* exponents, const Emit& emit) {
        const int height = grid_.height, width = grid_.width;
        const T shift = largest(exponents);
        for (int i = team_.thread(); i < grid_.pixels; i += team_.threads()) {
            NP_COUNT(kExponentials, 1);
            team_.put(mass_ + i, exponential(exponents[i] - shift));
        }
        team_.sync();
        for (int i = team_.thread(); i < grid_.pixels; i += team_.threads()) {
            const T *const values = mass_ + i / width * width, *const kernel = column_kernel_;
            team_.put(sum_ + i, product(values, 1, width, i % width, kernel));
        }
        team_.sync();
        bool lost = false;
        for (int i = team_.thread(); i < grid_.pixels; i += team_.threads()) {
            const T sum = product(sum_ + i % width, width, height, i / width, row_kernel_);
            lost |= !(sum >= kSmallestSum<T>);
            shift_[i] = sum;
        }
        if (team_.any(lost)) return negative_log_sum_by_logarithms(exponents, emit);
        for (int i = team_.thread(); i < grid_.pixels; i += team_.threads()) emit(i, -(shift + log(shift_[i])));
    }

    // emit(i, exp(scale_i) sum_j exp(exponents_j - C_ij / epsilon) ([C_ij if kCost] - [weights_j if kWeights]))
    template <bool kCost, bool kWeights, typename Emit>
    __device__ __forceinline__ void weighted_sum(const T* exponents, const T* weights, const T* scale,
                                                 const Emit& emit) {
        const int height = grid_.height, width = grid_.width;
        const T shift = largest(exponents);
        bool lost = false;
        for (int i = team_.thread(); i < grid_.pixels; i += team_.threads()) {
            NP_COUNT(kExponentials, 1);
            const T value = exponential(exponents[i] - shift);
            team_.put(shift_ + i, value);
            lost |= !(scale[i] + shift <= kLargestShift<T>);
            if (kWeights) lost |= !(vabs(value * weights[i]) <= kLargestWeight<T>);
        }
        if (team_.any(lost)) {
            return weighted_sum_by_logarithms<kCost, kWeights>(exponents, weights, scale, emit);
        }
        for (int i = team_.thread(); i < grid_.pixels; i += team_.threads()) {
            const int first = i / width * width, column = i % width;
            T mass = 0, sum = 0;
            for (int k = 0; k < width; ++k) {
                const int away = abs(column - k);
                const T value = shift_[first + k];
                if (kCost) {
                    mass += value * column_kernel_[away];
                    sum += value * column_costly_[away];
                }
                if (kWeights) sum -= value * weights[first + k] * column_kernel_[away];
            }
            team_.put(sum_ + i, sum);
            if (kCost) team_.put(mass_ + i, mass);
        }
        team_.sync();
        for (int i = team_.thread(); i < grid_.pixels; i += team_.threads()) {
            T sum = product(sum_ + i % width, width, height, i / width, row_kernel_);
            if (kCost) sum += product(mass_ + i % width, width, height, i / width, row_costly_);
            NP_COUNT(kExponentials, 1);
            emit(i, bounded(bounded(sum) * bounded_exponential(shift + scale[i])));
        }
    }

 private:
    __device__ __forceinline__ void fill(T* kernel, T* costly, int count, T cost) const {
        for (int k = team_.thread(); k < count; k += team_.threads()) {
            const T squared = T(k) * T(k) * cost, value = exponential(-squared * grid_.inverse_epsilon);
            team_.put(kernel + k, value);
            team_.put(costly + k, value * squared);
        }
    }

    // Begins with a barrier.
    __device__ __forceinline__ T largest(const T* exponents) const {
        team_.sync();
        T most = no_terms<T>();
        for (int i = team_.thread(); i < grid_.pixels; i += team_.threads())
            most = exponents[i] > most ? exponents[i] : most;
        return team_.largest(most);
    }

    // Sum of line[k] table[|position - k|].
    static __device__ __forceinline__ T product(const T* line, int step, int count, int position, const T* table) {
        T sum = 0;
        for (int k = 0; k < count; ++k) sum += line[k * step] * table[abs(position - k)];
        return sum;
    }

    template <typename Emit>
    __device__ __forceinline__ void negative_log_sum_by_logarithms(const T* exponents, const Emit& emit) {
        const int height = grid_.height, width = grid_.width;
        const T row_rate = grid_.row_cost * grid_.inverse_epsilon,
                column_rate = grid_.column_cost * grid_.inverse_epsilon;
        for (int i = team_.thread(); i < grid_.pixels; i += team_.threads())
            team_.put(sum_ + i, line_log_sum(exponents + i / width * width, 1, width, i % width, column_rate));
        team_.sync();
        for (int i = team_.thread(); i < grid_.pixels; i += team_.threads())
            emit(i, -line_log_sum(sum_ + i % width, width, height, i / width, row_rate));
    }

    template <bool kCost, bool kWeights, typename Emit>
    __device__ __forceinline__ void weighted_sum_by_logarithms(const T* exponents, const T* weights, const T* scale,
                                                               const Emit& emit) {
        const int height = grid_.height, width = grid_.width;
        const T row_rate = grid_.row_cost * grid_.inverse_epsilon,
                column_rate = grid_.column_cost * grid_.inverse_epsilon;
        for (int i = team_.thread(); i < grid_.pixels; i += team_.threads()) {
            const int first = i / width * width;
            const T shift = line_shift(exponents + first, 1, width, i % width, column_rate);
            T mass = 0, sum = 0, d = T(i % width);
            NP_COUNT(kExponentials, width + height);
            for (int k = 0; k < width; ++k, d -= T(1)) {
                const T term = exponential(exponents[first + k] - d * d * column_rate - shift);
                if (kCost) {
                    mass += term;
                    sum += term * (d * d * grid_.column_cost);
                }
                if (kWeights) sum -= term * weights[first + k];
            }
            team_.put(shift_ + i, shift);
            team_.put(sum_ + i, sum);
            if (kCost) team_.put(mass_ + i, mass);
        }
        team_.sync();
        for (int i = team_.thread(); i < grid_.pixels; i += team_.threads()) {
            const int column = i % width;
            const T shift = line_shift(shift_ + column, width, height, i / width, row_rate);
            T sum = 0, d = T(i / width);
            for (int k = 0; k < height; ++k, d -= T(1)) {
                const int at = k * width + column;
                T inner = sum_[at];
                if (kCost) inner += d * d * grid_.row_cost * mass_[at];
                sum += exponential(shift_[at] - d * d * row_rate - shift) * inner;
            }
            emit(i, bounded(bounded(sum) * bounded_exponential(shift + scale[i])));
        }
    }

    // Largest of line[k] - (position - k)^2 * rate.
    static __device__ __forceinline__ T line_shift(const T* line, int step, int count, int position, T rate) {
        T shift = no_terms<T>(), d = T(position);
        for (int k = 0; k < count; ++k, d -= T(1)) {
            const T x = line[k * step] - d * d * rate;
            shift = x > shift ? x : shift;
        }
        return shift;
    }

    static __device__ __forceinline__ T line_log_sum(const T* line, int step, int count, int position, T rate) {
        const T shift = line_shift(line, step, count, position, rate);
        T sum = 0, d = T(position);
        NP_COUNT(kExponentials, count);
        for (int k = 0; k < count; ++k, d -= T(1)) sum += exponential(line[k * step] - d * d * rate - shift);
        return shift + log(sum);
    }

    Team& team_;
    Grid<T> grid_;
    T *shift_, *mass_, *sum_;
    T *row_kernel_, *row_costly_, *column_kernel_, *column_costly_;  // by how far apart: exp(-C / epsilon), times C
};

// Euclidean cost: each sum runs over all pixels, with the distances from a table over |rows| and |columns| apart.
template <typename T, typename Team>
class DenseSums {
 public:
    static __host__ __device__ __forceinline__ int64_t scratch(int height, int width) {
        return 2 * static_cast<int64_t>(height) * width;
    }
    __device__ DenseSums(Team& team, const Grid<T>& grid, T* scratch)
        : team_(team), grid_(grid), distance_(scratch), result_(scratch + grid.pixels) {
        for (int i = team.thread(); i < grid.pixels; i += team.threads()) {
            const T dy = T(i / grid.width), dx = T(i % grid.width);
            team.put(distance_ + i, static_cast<T>(sqrt(dy * dy * grid.row_cost + dx * dx * grid.column_cost)));
        }
    }

    template <typename Emit>
    __device__ __forceinline__ void negative_log_sum(const T* exponents, const Emit& emit) {
        team_.sync();
        for (int i = team_.thread(); i < grid_.pixels; i += team_.threads()) {
            const T shift = largest(exponents, i);
            T sum = 0;
            each_pixel(i,
                       [&](int j, T far) { sum += exponential(exponents[j] - far * grid_.inverse_epsilon - shift); });
            result_[i] = -(shift + log(sum));
        }
        finish(emit);
    }

    template <bool kCost, bool kWeights, typename Emit>
    __device__ __forceinline__ void weighted_sum(const T* exponents, const T* weights, const T* scale,
                                                 const Emit& emit) {
        team_.sync();
        for (int i = team_.thread(); i < grid_.pixels; i += team_.threads()) {
            const T shift = largest(exponents, i);
            T sum = 0;
            each_pixel(i, [&](int j, T far) {
                T factor = kCost ? far : T(0);
                if (kWeights) factor -= weights[j];
                sum += exponential(exponents[j] - far * grid_.inverse_epsilon - shift) * factor;
            });
            result_[i] = bounded(bounded(sum) * bounded_exponential(shift + scale[i]));
        }
        finish(emit);
    }

 private:
    template <typename Body>
    __device__ __forceinline__ void each_pixel(int i, const Body& body) const {
        const int row = i / grid_.width, column = i % grid_.width;
        for (int r = 0; r < grid_.height; ++r) {
            const T* far = distance_ + abs(r - row) * grid_.width;
            for (int c = 0; c < grid_.width; ++c) body(r * grid_.width + c, far[abs(c - column)]);
        }
    }

    __device__ __forceinline__ T largest(const T* exponents, int i) const {
        T shift = no_terms<T>();
        each_pixel(i, [&](int j, T far) {
            const T x = exponents[j] - far * grid_.inverse_epsilon;
            shift = x > shift ? x : shift;
        });
        return shift;
    }

    template <typename Emit>
    __device__ __forceinline__ void finish(const Emit& emit) const {
        team_.sync();
        for (int i = team_.thread(); i < grid_.pixels; i += team_.threads()) emit(i, result_[i]);
    }

    Team& team_;
    Grid<T> grid_;
    T *distance_, *result_;
};

}  // namespace neuralpaint::cuda::transport
