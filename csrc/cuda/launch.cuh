// How kernels are launched and name their dynamic shared memory: by nvcc's syntax, or, where a plain C++ compiler reads
// the kernels, on the CPU (csrc/tests/emulation). There NP_COUNT adds to the counts of their work.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#if defined(__CUDACC__)

#include <cooperative_groups.h>

#define NP_DYNAMIC_SHARED(T, name) extern __shared__ T name[]
#define NP_COUNT(kind, amount) static_cast<void>(0)

namespace neuralpaint::cuda {

// The bound of a workspace; tests of the emulation make it small.
constexpr int64_t bound(int64_t bytes) { return bytes; }

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), int64_t blocks, int threads, size_t shared_bytes, cudaStream_t stream,
            Arguments... arguments) {
    kernel<<<static_cast<unsigned>(blocks), threads, shared_bytes, stream>>>(arguments...);
}

// How clusters of `size` blocks are launched.
struct ClusterLaunch {
    cudaLaunchConfig_t config{};
    cudaLaunchAttribute attribute{};

    ClusterLaunch(int64_t blocks, int size, int threads, size_t shared_bytes, cudaStream_t stream) {
        config.gridDim = static_cast<unsigned>(blocks);
        config.blockDim = threads;
        config.dynamicSmemBytes = shared_bytes;
        config.stream = stream;
        attribute.id = cudaLaunchAttributeClusterDimension;
        attribute.val.clusterDim.x = size;
        attribute.val.clusterDim.y = attribute.val.clusterDim.z = 1;
        config.attrs = &attribute;
        config.numAttrs = 1;
    }
};

// Whether the device can hold one, of a kernel that was compiled for clusters: made for sm_80 and translated by the
// driver it was not.
template <typename... Parameters>
bool fits(void (*kernel)(Parameters...), int size, int threads, size_t shared_bytes) {
    cudaFuncAttributes compiled{};
    if (cudaFuncGetAttributes(&compiled, kernel) != cudaSuccess || compiled.ptxVersion < 90) {
        cudaGetLastError();  // nobody else's
        return false;
    }
    const ClusterLaunch plan(size, size, threads, shared_bytes, nullptr);
    int clusters = 0;
    if (cudaOccupancyMaxActiveClusters(&clusters, kernel, &plan.config) == cudaSuccess) return clusters > 0;
    cudaGetLastError();
    return false;
}

template <typename... Parameters, typename... Arguments>
void launch_clusters(void (*kernel)(Parameters...), int64_t blocks, int size, int threads, size_t shared_bytes,
                     cudaStream_t stream, Arguments... arguments) {
    const ClusterLaunch plan(blocks, size, threads, shared_bytes, stream);
    cudaLaunchKernelEx(&plan.config, kernel, arguments...);
}

// A thread's cluster; on devices without them nobody asks.
namespace cluster {

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
__device__ __forceinline__ int blocks() { return static_cast<int>(cooperative_groups::this_cluster().num_blocks()); }
__device__ __forceinline__ int rank() { return static_cast<int>(cooperative_groups::this_cluster().block_rank()); }
__device__ __forceinline__ void sync() { cooperative_groups::this_cluster().sync(); }
// Where another block has what this one has in its shared memory.
template <typename T>
__device__ __forceinline__ T* at(T* own, int block) {
    return cooperative_groups::this_cluster().map_shared_rank(own, block);
}
#else
__device__ __forceinline__ int blocks() { return 1; }
__device__ __forceinline__ int rank() { return 0; }
__device__ __forceinline__ void sync() { __syncthreads(); }
template <typename T>
__device__ __forceinline__ T* at(T* own, int) {
    return own;
}
#endif

}  // namespace cluster

}  // namespace neuralpaint::cuda

#else

#define NP_DYNAMIC_SHARED(T, name) T* const name = reinterpret_cast<T*>(emulation::dynamic_shared())
#define NP_COUNT(kind, amount) emulation::count(emulation::Work::kind, amount)

namespace neuralpaint::cuda {

inline int64_t bound(int64_t bytes) { return bytes / emulation::scarcity; }

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), int64_t blocks, int threads, size_t shared_bytes, cudaStream_t,
            Arguments... arguments) {
    emulation::run(blocks, 1, threads, shared_bytes, [=] { kernel(arguments...); });
}

template <typename... Parameters>
bool fits(void (*)(Parameters...), int size, int, size_t) {
    return size <= emulation::largest_cluster;
}
template <typename... Parameters, typename... Arguments>
void launch_clusters(void (*kernel)(Parameters...), int64_t blocks, int size, int threads, size_t shared_bytes,
                     cudaStream_t, Arguments... arguments) {
    emulation::run(blocks, size, threads, shared_bytes, [=] { kernel(arguments...); });
}

namespace cluster {
inline int blocks() { return emulation::cluster_blocks(); }
inline int rank() { return static_cast<int>(blockIdx.x) % emulation::cluster_blocks(); }
inline void sync() { emulation::wait_for_cluster(); }
template <typename T>
T* at(T* own, int block) {
    return static_cast<T*>(emulation::in_block(own, block));
}
}  // namespace cluster

}  // namespace neuralpaint::cuda

#endif

namespace neuralpaint::cuda {

// Bytes of dynamic shared memory that a block may have, beside a little of its own.
inline size_t shared_limit() {
    int device = 0, bytes = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
    return bytes > 1024 ? bytes - 1024 : 0;
}

// Whether the device has clusters, and its multiprocessors.
inline bool has_clusters() {
    int device = 0, major = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
    return major >= 9;
}
inline int multiprocessors() {
    int device = 0, count = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device);
    return count;
}

}  // namespace neuralpaint::cuda
