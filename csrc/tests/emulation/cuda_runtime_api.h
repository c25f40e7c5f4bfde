// The little of the CUDA runtime that the launchers call, for the kernels' emulation on the CPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

using cudaStream_t = void*;

enum cudaDeviceAttr {
    cudaDevAttrMaxSharedMemoryPerBlockOptin,
    cudaDevAttrComputeCapabilityMajor,
    cudaDevAttrMultiProcessorCount
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize };

namespace emulation {
inline int shared_limit = 227 * 1024;  // bytes of shared memory that a block may ask for; tests lower it
inline int largest_cluster = 8;        // blocks of a cluster; 1: the device has none
inline int64_t scarcity = 1;           // what bounds of workspaces are divided by; tests raise it
}  // namespace emulation

inline int cudaGetDevice(int* device) { return *device = 0; }
inline int cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int) {
    *value = which == cudaDevAttrMaxSharedMemoryPerBlockOptin ? emulation::shared_limit
             : which == cudaDevAttrMultiProcessorCount        ? 132
             : emulation::largest_cluster > 1                 ? 9
                                                              : 8;
    return 0;
}
template <typename Kernel>
int cudaFuncSetAttribute(Kernel, cudaFuncAttribute, int) {
    return 0;
}
inline int cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t) {
    if (bytes > 0) std::memcpy(to, from, bytes);
    return 0;
}
inline int cudaStreamSynchronize(cudaStream_t) { return 0; }
