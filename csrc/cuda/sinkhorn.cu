#include <cuda_runtime.h>

#include "common/logsumexp.h"
#include "common/scalar.h"
#include "cuda/launch.cuh"
#include "cuda/sinkhorn.h"

// A block works on maps of one image's pixels; thread t owns pixels t, t + blockDim, ... of each. A sum over all pixels
// ("negative_log_sum", "weighted_sum") begins with a barrier, so that its inputs are complete, reads maps that no
// thread changes meanwhile, and hands each result to the thread that owns the pixel: by then nobody reads the inputs
// any more, and the owner may overwrite them.

// The sums with the squared Euclidean cost are taken as on the CPU: exponentials first, exp(Y_j - max Y), then products
// with the tables exp(-C / epsilon) of rows and of columns, one exponential a pixel and h + w multiply-adds. Where what
// underflows on the way might count, which the sums themselves tell, the block takes them by logarithms instead, each
// term's exponent less the largest: h + w exponentials a pixel.

// One block an image, with its maps in shared memory from the first iteration to the last: no block ever waits for
// another. 48 x 48 pixels take 46 KiB (float), and with up to 64 registers a thread a multiprocessor holds one block of
// 1024 threads. The multiply-adds bound it, each with a number of a map and one of a table from shared memory. A search
// of the paper's preset has 3 masses a block of the canvas, 75 on its finest grid. Fewer images leave the device idle;
// sharing one among a cluster of blocks would need a barrier and an exchange of maps in every half iteration.

namespace neuralpaint::cuda {
namespace {

template <typename T>
constexpr int kMaxThreads = sizeof(T) == 4 ? 1024 : 512;

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

// Largest over the block, the same in every thread, but for NaN. All threads must call it.
template <typename T>
__device__ T block_max(T value) {
    __shared__ T warps[32];
    for (int offset = 16; offset > 0; offset /= 2) {
        const T other = __shfl_xor_sync(0xffffffffu, value, offset);
        value = other > value ? other : value;
    }
    __syncthreads();  // an earlier one may still be being read
    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = value;
    __syncthreads();
    T most = warps[0];
    for (int i = 1; i < static_cast<int>(blockDim.x / 32); ++i) most = warps[i] > most ? warps[i] : most;
    return most;
}

// Sum over the block, the same in every thread. All threads must call it.
__device__ double block_sum(double value) {
    __shared__ double warps[32];
    for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(0xffffffffu, value, offset);
    __syncthreads();  // an earlier sum may still be being read
    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = value;
    __syncthreads();
    double total = 0;
    for (int i = 0; i < static_cast<int>(blockDim.x / 32); ++i) total += warps[i];
    return total;
}

template <typename T>
struct Grid {
    int height, width, pixels;
    T row_cost, column_cost;  // squared distance of neighbours
    T inverse_epsilon;
};

// Squared Euclidean cost: a pass along rows, then one along columns.
template <typename T>
class SeparableSums {
 public:
    // Elements of scratch.
    static __host__ __device__ __forceinline__ int64_t scratch(int height, int width) {
        return 3 * static_cast<int64_t>(height) * width + 2 * (static_cast<int64_t>(height) + width);
    }
    __device__ SeparableSums(const Grid<T>& grid, T* scratch)
        : grid_(grid), shift_(scratch), mass_(scratch + grid.pixels), sum_(scratch + 2 * grid.pixels) {
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
        for (int i = threadIdx.x; i < grid_.pixels; i += blockDim.x) {
            NP_COUNT(kExponentials, 1);
            mass_[i] = exponential(exponents[i] - shift);
        }
        __syncthreads();
        for (int i = threadIdx.x; i < grid_.pixels; i += blockDim.x) {
            const T *const values = mass_ + i / width * width, *const kernel = column_kernel_;
            sum_[i] = product(values, 1, width, i % width, kernel);
        }
        __syncthreads();
        bool lost = false;
        for (int i = threadIdx.x; i < grid_.pixels; i += blockDim.x) {
            const T sum = product(sum_ + i % width, width, height, i / width, row_kernel_);
            lost |= !(sum >= kSmallestSum<T>);
            shift_[i] = sum;
        }
        if (__syncthreads_count(lost) > 0) return negative_log_sum_by_logarithms(exponents, emit);
        for (int i = threadIdx.x; i < grid_.pixels; i += blockDim.x) emit(i, -(shift + log(shift_[i])));
    }

    // emit(i, exp(scale_i) sum_j exp(exponents_j - C_ij / epsilon) ([C_ij if kCost] - [weights_j if kWeights]))
    template <bool kCost, bool kWeights, typename Emit>
    __device__ __forceinline__ void weighted_sum(const T* exponents, const T* weights, const T* scale,
                                                 const Emit& emit) {
        const int height = grid_.height, width = grid_.width;
        const T shift = largest(exponents);
        bool lost = false;
        for (int i = threadIdx.x; i < grid_.pixels; i += blockDim.x) {
            NP_COUNT(kExponentials, 1);
            const T value = exponential(exponents[i] - shift);
            shift_[i] = value;
            lost |= !(scale[i] + shift <= kLargestShift<T>);
            if (kWeights) lost |= !(vabs(value * weights[i]) <= kLargestWeight<T>);
        }
        if (__syncthreads_count(lost) > 0) {
            return weighted_sum_by_logarithms<kCost, kWeights>(exponents, weights, scale, emit);
        }
        for (int i = threadIdx.x; i < grid_.pixels; i += blockDim.x) {
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
            sum_[i] = sum;
            if (kCost) mass_[i] = mass;
        }
        __syncthreads();
        for (int i = threadIdx.x; i < grid_.pixels; i += blockDim.x) {
            T sum = product(sum_ + i % width, width, height, i / width, row_kernel_);
            if (kCost) sum += product(mass_ + i % width, width, height, i / width, row_costly_);
            NP_COUNT(kExponentials, 1);
            emit(i, bounded(bounded(sum) * bounded_exponential(shift + scale[i])));
        }
    }

 private:
    __device__ __forceinline__ void fill(T* kernel, T* costly, int count, T cost) const {
        for (int k = threadIdx.x; k < count; k += blockDim.x) {
            const T squared = T(k) * T(k) * cost;
            kernel[k] = exponential(-squared * grid_.inverse_epsilon);
            costly[k] = kernel[k] * squared;
        }
    }

    // Begins with a barrier.
    __device__ __forceinline__ T largest(const T* exponents) const {
        __syncthreads();
        T most = no_terms<T>();
        for (int i = threadIdx.x; i < grid_.pixels; i += blockDim.x) most = exponents[i] > most ? exponents[i] : most;
        return block_max(most);
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
        for (int i = threadIdx.x; i < grid_.pixels; i += blockDim.x)
            sum_[i] = line_log_sum(exponents + i / width * width, 1, width, i % width, column_rate);
        __syncthreads();
        for (int i = threadIdx.x; i < grid_.pixels; i += blockDim.x)
            emit(i, -line_log_sum(sum_ + i % width, width, height, i / width, row_rate));
    }

    template <bool kCost, bool kWeights, typename Emit>
    __device__ __forceinline__ void weighted_sum_by_logarithms(const T* exponents, const T* weights, const T* scale,
                                                               const Emit& emit) {
        const int height = grid_.height, width = grid_.width;
        const T row_rate = grid_.row_cost * grid_.inverse_epsilon,
                column_rate = grid_.column_cost * grid_.inverse_epsilon;
        for (int i = threadIdx.x; i < grid_.pixels; i += blockDim.x) {
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
            shift_[i] = shift;
            sum_[i] = sum;
            if (kCost) mass_[i] = mass;
        }
        __syncthreads();
        for (int i = threadIdx.x; i < grid_.pixels; i += blockDim.x) {
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

    Grid<T> grid_;
    T *shift_, *mass_, *sum_;
    T *row_kernel_, *row_costly_, *column_kernel_, *column_costly_;  // by how far apart: exp(-C / epsilon), times C
};

// Euclidean cost: each sum runs over all pixels, with the distances from a table over |rows| and |columns| apart.
template <typename T>
class DenseSums {
 public:
    static __host__ __device__ __forceinline__ int64_t scratch(int height, int width) {
        return 2 * static_cast<int64_t>(height) * width;
    }
    __device__ DenseSums(const Grid<T>& grid, T* scratch)
        : grid_(grid), distance_(scratch), result_(scratch + grid.pixels) {
        for (int i = threadIdx.x; i < grid.pixels; i += blockDim.x) {
            const T dy = T(i / grid.width), dx = T(i % grid.width);
            distance_[i] = sqrt(dy * dy * grid.row_cost + dx * dx * grid.column_cost);
        }
    }

    template <typename Emit>
    __device__ __forceinline__ void negative_log_sum(const T* exponents, const Emit& emit) {
        __syncthreads();
        for (int i = threadIdx.x; i < grid_.pixels; i += blockDim.x) {
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
        __syncthreads();
        for (int i = threadIdx.x; i < grid_.pixels; i += blockDim.x) {
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
        __syncthreads();
        for (int i = threadIdx.x; i < grid_.pixels; i += blockDim.x) emit(i, result_[i]);
    }

    Grid<T> grid_;
    T *distance_, *result_;
};

template <typename T>
__device__ double mass_total(const T* mass, int pixels) {
    double sum = 0;
    bool valid = true;
    for (int i = threadIdx.x; i < pixels; i += blockDim.x) {
        sum += static_cast<double>(mass[i]);
        valid &= mass[i] >= T(0);
    }
    return block_sum(valid ? sum : nan(""));
}

template <typename T>
__device__ __forceinline__ T normalised(T mass, double total) {
    return static_cast<T>(static_cast<double>(mass) / total);
}

// Two maps, and the scratch of the sums.
template <typename Sums>
__host__ __device__ __forceinline__ int64_t elements(int height, int width) {
    return 2 * static_cast<int64_t>(height) * width + Sums::scratch(height, width);
}

template <typename T, typename Sums, bool kShared>
__device__ __forceinline__ T* maps_of(T* workspace, const Grid<T>& grid) {
    NP_DYNAMIC_SHARED(double, shared);
    return kShared ? reinterpret_cast<T*>(shared) : workspace + blockIdx.x * elements<Sums>(grid.height, grid.width);
}

template <typename T, typename Sums, bool kShared>
__global__ void __launch_bounds__(kMaxThreads<T>, 1)
    sinkhorn_kernel(const T* __restrict__ mass_x, const T* __restrict__ mass_y, T* __restrict__ cost,
                    T* __restrict__ potentials, T* workspace, Grid<T> grid, int iterations) {
    const int pixels = grid.pixels;
    const int64_t b = blockIdx.x;
    T* const field = maps_of<T, Sums, kShared>(workspace, grid);
    Sums sums(grid, field + 2 * pixels);
    mass_x += b * pixels;
    mass_y += b * pixels;
    potentials += b * 2 * iterations * pixels;
    const double total_x = mass_total(mass_x, pixels), total_y = mass_total(mass_y, pixels);

    for (int i = threadIdx.x; i < pixels; i += blockDim.x) field[i] = T(0);
    for (int k = 0; k < iterations; ++k) {
        T* const p = potentials + static_cast<int64_t>(2 * k) * pixels;
        T* const q = p + pixels;
        sums.negative_log_sum(field, [&](int i, T value) {
            p[i] = value;
            field[i] = log(normalised(mass_x[i], total_x)) + value;
        });
        sums.negative_log_sum(field, [&](int i, T value) {
            q[i] = value;
            if (k + 1 < iterations) field[i] = log(normalised(mass_y[i], total_y)) + value;
        });
    }
    // The mean cost of what arrives at each pixel, from the last X, which field still holds, and the last Q.
    double sum = 0;
    sums.template weighted_sum<true, false>(
        field, nullptr, potentials + static_cast<int64_t>(2 * iterations - 1) * pixels,
        [&](int i, T value) { sum += static_cast<double>(normalised(mass_y[i], total_y)) * value; });
    sum = block_sum(sum);
    if (threadIdx.x == 0) cost[b] = static_cast<T>(sum);
}

// The recurrences for xi and eta are derived in cpu/sinkhorn.cpp. grad_x and grad_y hold their sums over the iterations
// until the end, each pixel read and written by its owner alone.
template <typename T, typename Sums, bool kShared>
__global__ void __launch_bounds__(kMaxThreads<T>, 1)
    sinkhorn_backward_kernel(const T* __restrict__ grad, const T* __restrict__ mass_x, const T* __restrict__ mass_y,
                             const T* __restrict__ potentials, T* __restrict__ grad_x, T* __restrict__ grad_y,
                             T* workspace, Grid<T> grid, int iterations) {
    const int pixels = grid.pixels;
    const int64_t b = blockIdx.x;
    T* const field = maps_of<T, Sums, kShared>(workspace, grid);
    T* const weight = field + pixels;
    Sums sums(grid, field + 2 * pixels);
    mass_x += b * pixels;
    mass_y += b * pixels;
    grad_x += b * pixels;
    grad_y += b * pixels;
    potentials += b * 2 * iterations * pixels;
    const double total_x = mass_total(mass_x, pixels), total_y = mass_total(mass_y, pixels);

    const T* p = potentials + static_cast<int64_t>(2 * iterations - 2) * pixels;
    for (int i = threadIdx.x; i < pixels; i += blockDim.x) field[i] = log(normalised(mass_x[i], total_x)) + p[i];
    for (int k = iterations; k > 0; --k, p -= 2 * pixels) {
        const T* const q = p + pixels;
        const bool last = k == iterations;
        // field is X of the iteration after this one (of this one in the last), weight the xi of that; then Y and eta.
        double mean = 0;
        const auto keep_eta = [&](int i, T value) {
            weight[i] = value;
            mean += static_cast<double>(normalised(mass_y[i], total_y)) * value;
        };
        if (last) {
            sums.template weighted_sum<true, false>(field, nullptr, q, keep_eta);
        } else {
            sums.template weighted_sum<false, true>(field, weight, q, keep_eta);
        }
        // Derivatives that are known to sum to zero are held to it, as on the CPU.
        mean = last ? 0.0 : block_sum(mean);
        for (int i = threadIdx.x; i < pixels; i += blockDim.x) {
            const T eta = weight[i] - static_cast<T>(mean);
            weight[i] = eta;
            grad_y[i] = last ? eta : bounded(grad_y[i] + eta);
            field[i] = log(normalised(mass_y[i], total_y)) + q[i];
        }
        mean = 0;
        const auto keep_xi = [&](int i, T value) {
            weight[i] = value;
            mean += static_cast<double>(normalised(mass_x[i], total_x)) * value;
        };
        if (last) {
            sums.template weighted_sum<true, true>(field, weight, p, keep_xi);
        } else {
            sums.template weighted_sum<false, true>(field, weight, p, keep_xi);
        }
        mean = block_sum(mean);
        for (int i = threadIdx.x; i < pixels; i += blockDim.x) {
            const T xi = weight[i] - static_cast<T>(mean);
            weight[i] = xi;
            grad_x[i] = last ? xi : bounded(grad_x[i] + xi);
            field[i] = log(normalised(mass_x[i], total_x)) + p[i];
        }
    }

    double mean_x = 0, mean_y = 0;
    for (int i = threadIdx.x; i < pixels; i += blockDim.x) {
        mean_x += static_cast<double>(normalised(mass_x[i], total_x)) * grad_x[i];
        mean_y += static_cast<double>(normalised(mass_y[i], total_y)) * grad_y[i];
    }
    mean_x = block_sum(mean_x);
    mean_y = block_sum(mean_y);
    // Held within the finite, so that they make no NaN of a derivative that is zero.
    const double by_x = bounded(static_cast<double>(grad[b]) / total_x);
    const double by_y = bounded(static_cast<double>(grad[b]) / total_y);
    for (int i = threadIdx.x; i < pixels; i += blockDim.x) {
        grad_x[i] = bounded(static_cast<T>(by_x * (grad_x[i] - mean_x)));
        grad_y[i] = bounded(static_cast<T>(by_y * (grad_y[i] - mean_y)));
    }
}

template <typename T>
Grid<T> grid_of(const SinkhornShape& shape) {
    const double height = shape.height, width = shape.width;
    return {shape.height,
            shape.width,
            shape.height * shape.width,
            static_cast<T>(1 / (height * height)),
            static_cast<T>(1 / (width * width)),
            static_cast<T>(1 / shape.epsilon)};
}

template <typename T>
int threads_for(int pixels) {
    return pixels < kMaxThreads<T> ? (pixels + 31) / 32 * 32 : kMaxThreads<T>;
}

template <typename T>
size_t shared_bytes(const SinkhornShape& shape) {
    const bool dense = shape.cost == TransportCost::kEuclidean;
    return sizeof(T) * (dense ? elements<DenseSums<T>>(shape.height, shape.width)
                              : elements<SeparableSums<T>>(shape.height, shape.width));
}

// Shared memory that a block may ask for, besides the kernels' own static use.
template <typename T, typename... Parameters, typename... Arguments>
void launch_images(void (*kernel)(Parameters...), const SinkhornShape& shape, size_t bytes, cudaStream_t stream,
                   Arguments... arguments) {
    if (bytes > 0) cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
    launch(kernel, shape.batch, threads_for<T>(shape.height * shape.width), bytes, stream, arguments...,
           grid_of<T>(shape), shape.iterations);
}

}  // namespace

template <typename T>
int64_t sinkhorn_workspace(const SinkhornShape& shape) {
    const size_t bytes = shared_bytes<T>(shape);
    return bytes <= shared_limit() ? 0 : shape.batch * static_cast<int64_t>(bytes / sizeof(T));
}

template <typename T>
void launch_sinkhorn(const T* mass_x, const T* mass_y, T* cost, T* potentials, T* workspace, const SinkhornShape& shape,
                     cudaStream_t stream) {
    if (shape.batch == 0) return;
    const size_t bytes = workspace ? 0 : shared_bytes<T>(shape);
    auto* kernel =
        shape.cost == TransportCost::kEuclidean
            ? (workspace ? sinkhorn_kernel<T, DenseSums<T>, false> : sinkhorn_kernel<T, DenseSums<T>, true>)
            : (workspace ? sinkhorn_kernel<T, SeparableSums<T>, false> : sinkhorn_kernel<T, SeparableSums<T>, true>);
    launch_images<T>(kernel, shape, bytes, stream, mass_x, mass_y, cost, potentials, workspace);
}

template <typename T>
void launch_sinkhorn_backward(const T* grad, const T* mass_x, const T* mass_y, const T* potentials, T* grad_x,
                              T* grad_y, T* workspace, const SinkhornShape& shape, cudaStream_t stream) {
    if (shape.batch == 0) return;
    const size_t bytes = workspace ? 0 : shared_bytes<T>(shape);
    auto* kernel = shape.cost == TransportCost::kEuclidean
                       ? (workspace ? sinkhorn_backward_kernel<T, DenseSums<T>, false>
                                    : sinkhorn_backward_kernel<T, DenseSums<T>, true>)
                       : (workspace ? sinkhorn_backward_kernel<T, SeparableSums<T>, false>
                                    : sinkhorn_backward_kernel<T, SeparableSums<T>, true>);
    launch_images<T>(kernel, shape, bytes, stream, grad, mass_x, mass_y, potentials, grad_x, grad_y, workspace);
}

template int64_t sinkhorn_workspace<float>(const SinkhornShape&);
template int64_t sinkhorn_workspace<double>(const SinkhornShape&);
template void launch_sinkhorn<float>(const float*, const float*, float*, float*, float*, const SinkhornShape&,
                                     cudaStream_t);
template void launch_sinkhorn<double>(const double*, const double*, double*, double*, double*, const SinkhornShape&,
                                      cudaStream_t);
template void launch_sinkhorn_backward<float>(const float*, const float*, const float*, const float*, float*, float*,
                                              float*, const SinkhornShape&, cudaStream_t);
template void launch_sinkhorn_backward<double>(const double*, const double*, const double*, const double*, double*,
                                               double*, double*, const SinkhornShape&, cudaStream_t);

}  // namespace neuralpaint::cuda
