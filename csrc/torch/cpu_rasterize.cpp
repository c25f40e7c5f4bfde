#include "cpu/rasterize.h"
#include "torch/pool.h"
#include "torch/stroke_checks.h"

namespace neuralpaint {
namespace {

std::tuple<Tensor, Tensor> rasterize_cpu(const Tensor& strokes_, int64_t kind, const Tensor& texture, int64_t height,
                                         int64_t width, double softness, ScalarType dtype) {
    check_rasterize(strokes_, kind, height, width, softness);
    const Output output = output_of(dtype, strokes_);
    const Tensor strokes = to_contiguous(strokes_);
    const int64_t n = strokes.size(0);
    Tensor foreground = empty_pooled(strokes, {n, 3, height, width}, dtype);
    Tensor alpha = empty_pooled(strokes, {n, 1, height, width}, dtype);
    const TextureAtlas atlas = atlas_of(texture, kind, strokes);
    with_floating_type("rasterize", strokes.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        cpu::rasterize<T>(data<T>(strokes), n, static_cast<int>(kind), atlas, static_cast<int>(height),
                          static_cast<int>(width), static_cast<T>(softness), output, foreground.mutable_data_ptr(),
                          alpha.mutable_data_ptr());
    });
    return {foreground, alpha};
}

Tensor rasterize_backward_cpu(const Tensor& grad_foreground, const Tensor& grad_alpha, const Tensor& strokes_,
                              int64_t kind, const Tensor& texture, double softness) {
    check_rasterize_grads(grad_foreground, grad_alpha, strokes_, kind, softness);
    const Tensor strokes = to_contiguous(strokes_);
    const Tensor g_fg = to_contiguous(grad_foreground, strokes.scalar_type());
    const Tensor g_alpha = to_contiguous(grad_alpha, strokes.scalar_type());
    Tensor grad = make_empty(strokes);
    const TextureAtlas atlas = atlas_of(texture, kind, strokes);
    with_floating_type("rasterize_backward", strokes.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        cpu::rasterize_backward<T>(data<T>(g_fg), data<T>(g_alpha), data<T>(strokes), strokes.size(0),
                                   static_cast<int>(kind), atlas, static_cast<int>(g_fg.size(2)),
                                   static_cast<int>(g_fg.size(3)), static_cast<T>(softness), mutable_data<T>(grad));
    });
    return grad;
}

}  // namespace
}  // namespace neuralpaint

STABLE_TORCH_LIBRARY_IMPL(neuralpaint, CPU, m) {
    m.impl("rasterize", TORCH_BOX(&neuralpaint::rasterize_cpu));
    m.impl("rasterize_backward", TORCH_BOX(&neuralpaint::rasterize_backward_cpu));
}
