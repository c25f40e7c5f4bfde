// The current device and stream, as the operators for CUDA need them.
#pragma once

#include <cuda_runtime_api.h>
#include <torch/csrc/stable/accelerator.h>

#include "torch/tensors.h"

namespace neuralpaint {

using DeviceGuard = torch::stable::accelerator::DeviceGuard;

// torch's current stream on the tensor's device.
inline cudaStream_t current_stream(const Tensor& tensor) {
    void* stream = nullptr;
    NP_CHECK(aoti_torch_get_current_cuda_stream(tensor.get_device_index(), &stream) == 0,
             "torch has no CUDA stream for ", device_text(tensor));
    return static_cast<cudaStream_t>(stream);
}

// Throws if the launch before it failed.
inline void check_launch() {
    const cudaError_t error = cudaGetLastError();
    NP_CHECK(error == cudaSuccess, "CUDA error: ", cudaGetErrorString(error));
}

}  // namespace neuralpaint
