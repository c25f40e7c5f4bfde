// The Python module neuralpaint._C. Importing it loads this shared library, whose static initialisers register the
// operators of library.cpp; the module itself only tells how it was built.
#include <pybind11/pybind11.h>

#include "torch/pool.h"

namespace {

#ifdef WITH_CUDA
constexpr bool kHasCuda = true;
#else
constexpr bool kHasCuda = false;
#endif

// The widest SIMD instruction set that the compiler was allowed to use for the CPU kernels.
#if defined(__AVX512F__)
constexpr const char* kSimd = "avx512";
#elif defined(__AVX2__)
constexpr const char* kSimd = "avx2";
#elif defined(__ARM_NEON)
constexpr const char* kSimd = "neon";
#else
constexpr const char* kSimd = "baseline";
#endif

}  // namespace

PYBIND11_MODULE(_C, module) {
    module.attr("has_cuda") = kHasCuda;
    module.attr("simd") = kSimd;
    module.def("pooled_bytes", &neuralpaint::pooled_bytes);
    module.def("empty_pool", &neuralpaint::empty_pool);
}
