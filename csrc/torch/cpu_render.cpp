#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>

#include "cpu/render.h"
#include "torch/pool.h"
#include "torch/stroke_checks.h"

namespace neuralpaint {
namespace {

void check_canvas(const at::Tensor& canvas, const at::Tensor& strokes, const at::Tensor& origin) {
    TORCH_CHECK(canvas.dim() == 4 && canvas.size(1) == 3, "canvas must be [B, 3, H, W], got ", canvas.sizes());
    TORCH_CHECK(canvas.size(0) == strokes.size(0), "canvas and strokes must have the same batch size, got ",
                canvas.size(0), " and ", strokes.size(0));
    TORCH_CHECK(canvas.scalar_type() == strokes.scalar_type() && origin.scalar_type() == strokes.scalar_type(),
                "canvas, strokes and origin must have the same dtype");
    TORCH_CHECK(origin.dim() == 2 && origin.size(0) == canvas.size(0) && origin.size(1) == 2,
                "origin must be [B, 2], got ", origin.sizes());
    TORCH_CHECK(canvas.size(2) > 0 && canvas.size(3) > 0, "canvas must not be empty");
    TORCH_CHECK(strokes.size(0) * strokes.size(1) < (int64_t(1) << 31), "too many strokes for one call");
}

template <typename T>
cpu::RenderShape<T> shape_of(const at::Tensor& canvas, const at::Tensor& strokes, const at::Tensor& origin,
                             double pixels_per_unit, double softness) {
    return {canvas.size(0),
            strokes.size(1),
            static_cast<int>(canvas.size(2)),
            static_cast<int>(canvas.size(3)),
            static_cast<T>(pixels_per_unit),
            origin.const_data_ptr<T>(),
            static_cast<T>(softness)};
}

at::Tensor render_cpu(const at::Tensor& canvas_, const at::Tensor& strokes_, int64_t kind, const at::Tensor& texture,
                      const at::Tensor& origin_, double pixels_per_unit, double softness) {
    check_strokes(strokes_, 3, kind);
    check_canvas(canvas_, strokes_, origin_);
    const at::Tensor canvas = canvas_.contiguous(), strokes = strokes_.contiguous(), origin = origin_.contiguous();
    const TextureAtlas atlas = atlas_of(texture, kind);
    at::Tensor out = empty_pooled(canvas.sizes(), canvas.options());
    AT_DISPATCH_FLOATING_TYPES(canvas.scalar_type(), "render", [&] {
        cpu::render<scalar_t>(
            canvas.const_data_ptr<scalar_t>(), strokes.const_data_ptr<scalar_t>(), static_cast<int>(kind), atlas,
            shape_of<scalar_t>(canvas, strokes, origin, pixels_per_unit, softness), out.mutable_data_ptr<scalar_t>());
    });
    return out;
}

std::tuple<at::Tensor, at::Tensor> render_backward_cpu(const at::Tensor& grad_, const at::Tensor& canvas_,
                                                       const at::Tensor& strokes_, int64_t kind,
                                                       const at::Tensor& texture, const at::Tensor& origin_,
                                                       double pixels_per_unit, double softness) {
    check_strokes(strokes_, 3, kind);
    check_canvas(canvas_, strokes_, origin_);
    TORCH_CHECK(grad_.sizes() == canvas_.sizes() && grad_.scalar_type() == canvas_.scalar_type(),
                "grad must have the canvas's shape and dtype");
    const at::Tensor grad = grad_.contiguous(), canvas = canvas_.contiguous(), strokes = strokes_.contiguous(),
                     origin = origin_.contiguous();
    const TextureAtlas atlas = atlas_of(texture, kind);
    at::Tensor grad_canvas = empty_pooled(canvas.sizes(), canvas.options());
    at::Tensor grad_strokes = at::empty(strokes.sizes(), strokes.options());
    AT_DISPATCH_FLOATING_TYPES(canvas.scalar_type(), "render_backward", [&] {
        cpu::render_backward<scalar_t>(
            grad.const_data_ptr<scalar_t>(), canvas.const_data_ptr<scalar_t>(), strokes.const_data_ptr<scalar_t>(),
            static_cast<int>(kind), atlas, shape_of<scalar_t>(canvas, strokes, origin, pixels_per_unit, softness),
            grad_canvas.mutable_data_ptr<scalar_t>(), grad_strokes.mutable_data_ptr<scalar_t>());
    });
    return {grad_canvas, grad_strokes};
}

std::tuple<at::Tensor, at::Tensor> render_loss_cpu(const at::Tensor& target_, const at::Tensor& canvas_,
                                                   const at::Tensor& strokes_, int64_t kind, const at::Tensor& texture,
                                                   const at::Tensor& origin_, double pixels_per_unit,
                                                   const at::Tensor& softness, double l1, double l2) {
    check_strokes(strokes_, 3, kind);
    check_softness(softness, strokes_);
    check_canvas(canvas_, strokes_, origin_);
    TORCH_CHECK(target_.sizes() == canvas_.sizes() && target_.scalar_type() == canvas_.scalar_type(),
                "target must have the canvas's shape and dtype");
    const at::Tensor target = target_.contiguous(), canvas = canvas_.contiguous(), strokes = strokes_.contiguous(),
                     origin = origin_.contiguous();
    const TextureAtlas atlas = atlas_of(texture, kind);
    at::Tensor losses = at::empty({canvas.size(0), 2}, canvas.options());
    at::Tensor grad_strokes = at::empty(strokes.sizes(), strokes.options());
    AT_DISPATCH_FLOATING_TYPES(canvas.scalar_type(), "render_loss", [&] {
        cpu::render_loss<scalar_t>(
            target.const_data_ptr<scalar_t>(), canvas.const_data_ptr<scalar_t>(), strokes.const_data_ptr<scalar_t>(),
            static_cast<int>(kind), atlas,
            shape_of<scalar_t>(canvas, strokes, origin, pixels_per_unit, *softness.const_data_ptr<scalar_t>()),
            static_cast<scalar_t>(l1), static_cast<scalar_t>(l2), losses.mutable_data_ptr<scalar_t>(),
            grad_strokes.mutable_data_ptr<scalar_t>());
    });
    return {losses, grad_strokes};
}

}  // namespace
}  // namespace neuralpaint

TORCH_LIBRARY_IMPL(neuralpaint, CPU, m) {
    m.impl("render", &neuralpaint::render_cpu);
    m.impl("render_backward", &neuralpaint::render_backward_cpu);
    m.impl("render_loss", &neuralpaint::render_loss_cpu);
}
