#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <limits>
#include <tuple>

#include "cuda/rasterize.h"
#include "torch/stroke_checks.h"

namespace neuralpaint {
namespace {

TextureAtlas atlas_on_device(const at::Tensor& texture, int64_t kind, const at::Tensor& strokes) {
    TORCH_CHECK(kind != kOil || texture.device() == strokes.device(), "texture must be on the strokes' device, ",
                strokes.device(), ", got ", texture.device());
    return atlas_of(texture, kind);
}

// A launch counts its blocks in 31 bits; the smallest share of a canvas that gets a block of its own is 1024 pixels.
void check_size(int64_t count, int64_t height, int64_t width) {
    constexpr int64_t limit = std::numeric_limits<int>::max();
    TORCH_CHECK(height > 0 && width > 0 && height <= 65536 && width <= 65536,
                "height and width must be from 1 to 65536, got ", height, " and ", width);
    TORCH_CHECK(count * ((height * width + 1023) / 1024) <= limit, "too many strokes for one call");
}

std::tuple<at::Tensor, at::Tensor> rasterize_cuda(const at::Tensor& strokes_, int64_t kind, const at::Tensor& texture,
                                                  int64_t height, int64_t width, double softness,
                                                  at::ScalarType dtype) {
    check_strokes(strokes_, 2, kind);
    check_size(strokes_.size(0), height, width);
    TORCH_CHECK(softness > 0, "softness must be positive, got ", softness);
    const c10::cuda::CUDAGuard guard(strokes_.device());
    const at::Tensor strokes = strokes_.contiguous();
    const TextureAtlas atlas = atlas_on_device(texture, kind, strokes);
    cuda::Output output = cuda::Output::kSame;
    if (dtype == at::kHalf) {
        output = cuda::Output::kHalf;
    } else if (dtype == at::kBFloat16) {
        output = cuda::Output::kBFloat16;
    } else if (dtype == at::kByte) {
        output = cuda::Output::kByte;
    } else {
        TORCH_CHECK(dtype == strokes.scalar_type(),
                    "dtype must be that of the strokes, float16, bfloat16 or uint8, got ", dtype);
    }
    const int64_t n = strokes.size(0);
    at::Tensor foreground = at::empty({n, 3, height, width}, strokes.options().dtype(dtype));
    at::Tensor alpha = at::empty({n, 1, height, width}, strokes.options().dtype(dtype));
    AT_DISPATCH_FLOATING_TYPES(strokes.scalar_type(), "rasterize", [&] {
        const int brush = static_cast<int>(kind);
        const at::Tensor workspace =
            at::empty({cuda::rasterize_workspace<scalar_t>(brush, n)}, strokes.options().dtype(at::kByte));
        cuda::launch_rasterize<scalar_t>(strokes.const_data_ptr<scalar_t>(), n, brush, atlas, static_cast<int>(height),
                                         static_cast<int>(width), static_cast<scalar_t>(softness), output,
                                         foreground.mutable_data_ptr(), alpha.mutable_data_ptr(),
                                         workspace.mutable_data_ptr(), c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_CHECK(cudaGetLastError());
    return {foreground, alpha};
}

at::Tensor rasterize_backward_cuda(const at::Tensor& grad_foreground, const at::Tensor& grad_alpha,
                                   const at::Tensor& strokes_, int64_t kind, const at::Tensor& texture,
                                   double softness) {
    check_strokes(strokes_, 2, kind);
    TORCH_CHECK(grad_foreground.dim() == 4 && grad_alpha.dim() == 4 && grad_foreground.size(0) == strokes_.size(0) &&
                    grad_foreground.size(1) == 3 && grad_alpha.size(0) == strokes_.size(0) && grad_alpha.size(1) == 1 &&
                    grad_foreground.size(2) == grad_alpha.size(2) && grad_foreground.size(3) == grad_alpha.size(3),
                "gradients must be [N, 3, H, W] and [N, 1, H, W]");
    TORCH_CHECK(grad_foreground.device() == strokes_.device() && grad_alpha.device() == strokes_.device(),
                "gradients must be on the strokes' device, ", strokes_.device());
    const int64_t n = strokes_.size(0), height = grad_alpha.size(2), width = grad_alpha.size(3);
    check_size(n, height, width);
    TORCH_CHECK(softness > 0, "softness must be positive, got ", softness);
    const c10::cuda::CUDAGuard guard(strokes_.device());
    const at::Tensor strokes = strokes_.contiguous();
    const at::Tensor by_foreground = grad_foreground.to(strokes.scalar_type()).contiguous();
    const at::Tensor by_alpha = grad_alpha.to(strokes.scalar_type()).contiguous();
    const TextureAtlas atlas = atlas_on_device(texture, kind, strokes);
    at::Tensor grad = at::empty(strokes.sizes(), strokes.options());
    AT_DISPATCH_FLOATING_TYPES(strokes.scalar_type(), "rasterize_backward", [&] {
        const int brush = static_cast<int>(kind), h = static_cast<int>(height), w = static_cast<int>(width);
        const at::Tensor workspace = at::empty({cuda::rasterize_backward_workspace<scalar_t>(brush, n, h, w)},
                                               strokes.options().dtype(at::kByte));
        cuda::launch_rasterize_backward<scalar_t>(
            by_foreground.const_data_ptr<scalar_t>(), by_alpha.const_data_ptr<scalar_t>(),
            strokes.const_data_ptr<scalar_t>(), n, brush, atlas, h, w, static_cast<scalar_t>(softness),
            grad.mutable_data_ptr<scalar_t>(), workspace.mutable_data_ptr(), c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_CHECK(cudaGetLastError());
    return grad;
}

}  // namespace
}  // namespace neuralpaint

TORCH_LIBRARY_IMPL(neuralpaint, CUDA, m) {
    m.impl("rasterize", &neuralpaint::rasterize_cuda);
    m.impl("rasterize_backward", &neuralpaint::rasterize_backward_cuda);
}
