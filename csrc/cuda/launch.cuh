// How kernels are launched and name their dynamic shared memory: by nvcc's syntax, or, where a plain C++ compiler reads
// the kernels, on the CPU (csrc/tests/emulation). There NP_COUNT adds to the counts of their work.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#if defined(__CUDACC__)

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

}  // namespace neuralpaint::cuda

#else

#define NP_DYNAMIC_SHARED(T, name) T* const name = reinterpret_cast<T*>(emulation::dynamic_shared())
#define NP_COUNT(kind, amount) emulation::count(emulation::Work::kind, amount)

namespace neuralpaint::cuda {

inline int64_t bound(int64_t bytes) { return bytes / emulation::scarcity; }

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), int64_t blocks, int threads, size_t shared_bytes, cudaStream_t,
            Arguments... arguments) {
    emulation::run(blocks, threads, shared_bytes, [=] { kernel(arguments...); });
}

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

}  // namespace neuralpaint::cuda
