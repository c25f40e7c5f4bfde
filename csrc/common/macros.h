// Function qualifiers shared by the host and the CUDA compiler.
#pragma once

#if defined(__CUDACC__)
#define NP_HD __host__ __device__ __forceinline__
#define NP_HD_CALL __host__ __device__ inline
#else
#define NP_HD inline __attribute__((always_inline))
#define NP_HD_CALL inline  // the compiler decides: for long functions
#endif

// Before a loop whose unrolled body would take more registers than it saves time.
#if defined(__CUDACC__)
#define NP_NO_UNROLL _Pragma("unroll 1")
#else
#define NP_NO_UNROLL
#endif
