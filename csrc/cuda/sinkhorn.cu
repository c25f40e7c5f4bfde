#include <cuda_runtime.h>

#include "cuda/sinkhorn.h"
#include "cuda/sinkhorn_sums.cuh"

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

using namespace transport;

template <typename T>
constexpr int kMaxThreads = sizeof(T) == 4 ? 1024 : 512;

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
