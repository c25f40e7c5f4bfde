// Memory for large CPU outputs, kept for the next call when a tensor dies.
//
// The C library hands large blocks back to the system at once, so every call would get pages that the system must clear
// and map in again, which takes longer than the kernels do. This is what torch's caching allocator does for CUDA.
#pragma once

#include <cstddef>

#include "torch/tensors.h"

namespace neuralpaint {

// A CPU tensor, not initialised. Below 1 MiB, and with a torch that has no torch_from_blob (2.10), it comes from
// torch's own allocator. A pooled tensor's storage cannot grow: resize_ to more elements raises.
Tensor empty_pooled(const Tensor& like, Sizes sizes, ScalarType type);

// Bytes that are kept but not in use.
size_t pooled_bytes();

// Hands them back to the system.
void empty_pool();

// The most that is kept (NEURALPAINT_POOL_MIB, default 256 MiB); 0 keeps nothing.
size_t pool_limit();

}  // namespace neuralpaint
