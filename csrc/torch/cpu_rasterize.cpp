#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>

#include "cpu/rasterize.h"
#include "torch/pool.h"
#include "torch/stroke_checks.h"

namespace neuralpaint {
namespace {

std::tuple<at::Tensor, at::Tensor> rasterize_cpu(const at::Tensor& strokes_, int64_t kind, const at::Tensor& texture,
                                                 int64_t height, int64_t width, double softness, at::ScalarType dtype) {
    check_strokes(strokes_, 2, kind);
    TORCH_CHECK(height > 0 && width > 0 && softness > 0, "height, width and softness must be positive");
    const at::Tensor strokes = strokes_.contiguous();
    const int64_t n = strokes.size(0);
    at::Tensor foreground = empty_pooled({n, 3, height, width}, strokes.options().dtype(dtype));
    at::Tensor alpha = empty_pooled({n, 1, height, width}, strokes.options().dtype(dtype));
    const TextureAtlas atlas = atlas_of(texture, kind);
    cpu::Output output = cpu::Output::kSame;
    if (dtype == at::kHalf) {
        output = cpu::Output::kHalf;
    } else if (dtype == at::kBFloat16) {
        output = cpu::Output::kBFloat16;
    } else if (dtype == at::kByte) {
        output = cpu::Output::kByte;
    } else {
        TORCH_CHECK(dtype == strokes.scalar_type(),
                    "dtype must be that of the strokes, float16, bfloat16 or uint8, got ", dtype);
    }
    AT_DISPATCH_FLOATING_TYPES(strokes.scalar_type(), "rasterize", [&] {
        cpu::rasterize<scalar_t>(strokes.const_data_ptr<scalar_t>(), n, static_cast<int>(kind), atlas,
                                 static_cast<int>(height), static_cast<int>(width), static_cast<scalar_t>(softness),
                                 output, foreground.mutable_data_ptr(), alpha.mutable_data_ptr());
    });
    return {foreground, alpha};
}

at::Tensor rasterize_backward_cpu(const at::Tensor& grad_foreground, const at::Tensor& grad_alpha,
                                  const at::Tensor& strokes_, int64_t kind, const at::Tensor& texture,
                                  double softness) {
    check_strokes(strokes_, 2, kind);
    const at::Tensor strokes = strokes_.contiguous();
    const at::Tensor g_fg = grad_foreground.to(strokes.scalar_type()).contiguous();
    const at::Tensor g_alpha = grad_alpha.to(strokes.scalar_type()).contiguous();
    TORCH_CHECK(g_fg.dim() == 4 && g_alpha.dim() == 4 && g_fg.size(0) == strokes.size(0) && g_fg.size(1) == 3 &&
                    g_alpha.size(0) == strokes.size(0) && g_alpha.size(1) == 1 && g_fg.size(2) == g_alpha.size(2) &&
                    g_fg.size(3) == g_alpha.size(3),
                "gradients must be [N, 3, H, W] and [N, 1, H, W]");
    at::Tensor grad = at::empty(strokes.sizes(), strokes.options());
    const TextureAtlas atlas = atlas_of(texture, kind);
    AT_DISPATCH_FLOATING_TYPES(strokes.scalar_type(), "rasterize_backward", [&] {
        cpu::rasterize_backward<scalar_t>(g_fg.const_data_ptr<scalar_t>(), g_alpha.const_data_ptr<scalar_t>(),
                                          strokes.const_data_ptr<scalar_t>(), strokes.size(0), static_cast<int>(kind),
                                          atlas, static_cast<int>(g_fg.size(2)), static_cast<int>(g_fg.size(3)),
                                          static_cast<scalar_t>(softness), grad.mutable_data_ptr<scalar_t>());
    });
    return grad;
}

}  // namespace
}  // namespace neuralpaint

TORCH_LIBRARY_IMPL(neuralpaint, CPU, m) {
    m.impl("rasterize", &neuralpaint::rasterize_cpu);
    m.impl("rasterize_backward", &neuralpaint::rasterize_backward_cpu);
}
