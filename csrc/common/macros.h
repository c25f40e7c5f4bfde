// Function qualifiers shared by the host and the CUDA compiler.
#pragma once

#if defined(__CUDACC__)
#define NP_HD __host__ __device__ __forceinline__
#else
#define NP_HD inline __attribute__((always_inline))
#endif
