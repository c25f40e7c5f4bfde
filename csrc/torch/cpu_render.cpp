#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>

#include "cpu/render.h"
#include "torch/pool.h"
#include "torch/render_checks.h"

namespace neuralpaint {
namespace {

template <typename T>
using Shape = cpu::RenderShape<T>;

at::Tensor render_cpu(const at::Tensor& canvas_, const at::Tensor& strokes_, int64_t kind, const at::Tensor& texture,
                      const at::Tensor& origin_, double pixels_per_unit, double softness) {
    check_canvas(canvas_, strokes_, origin_, kind);
    const at::Tensor canvas = canvas_.contiguous(), strokes = strokes_.contiguous(), origin = origin_.contiguous();
    const TextureAtlas atlas = atlas_of(texture, kind);
    at::Tensor out = empty_pooled(canvas.sizes(), canvas.options());
    AT_DISPATCH_FLOATING_TYPES(canvas.scalar_type(), "render", [&] {
        cpu::render<scalar_t>(canvas.const_data_ptr<scalar_t>(), strokes.const_data_ptr<scalar_t>(),
                              static_cast<int>(kind), atlas,
                              shape_of<Shape<scalar_t>, scalar_t>(canvas, strokes, origin, pixels_per_unit, softness),
                              out.mutable_data_ptr<scalar_t>());
    });
    return out;
}

std::tuple<at::Tensor, at::Tensor> render_backward_cpu(const at::Tensor& grad_, const at::Tensor& canvas_,
                                                       const at::Tensor& strokes_, int64_t kind,
                                                       const at::Tensor& texture, const at::Tensor& origin_,
                                                       double pixels_per_unit, double softness) {
    check_canvas(canvas_, strokes_, origin_, kind);
    check_like_canvas("grad", grad_, canvas_);
    const at::Tensor grad = grad_.contiguous(), canvas = canvas_.contiguous(), strokes = strokes_.contiguous(),
                     origin = origin_.contiguous();
    const TextureAtlas atlas = atlas_of(texture, kind);
    at::Tensor grad_canvas = empty_pooled(canvas.sizes(), canvas.options());
    at::Tensor grad_strokes = at::empty(strokes.sizes(), strokes.options());
    AT_DISPATCH_FLOATING_TYPES(canvas.scalar_type(), "render_backward", [&] {
        cpu::render_backward<scalar_t>(
            grad.const_data_ptr<scalar_t>(), canvas.const_data_ptr<scalar_t>(), strokes.const_data_ptr<scalar_t>(),
            static_cast<int>(kind), atlas,
            shape_of<Shape<scalar_t>, scalar_t>(canvas, strokes, origin, pixels_per_unit, softness),
            grad_canvas.mutable_data_ptr<scalar_t>(), grad_strokes.mutable_data_ptr<scalar_t>());
    });
    return {grad_canvas, grad_strokes};
}

std::tuple<at::Tensor, at::Tensor> render_loss_cpu(const at::Tensor& target_, const at::Tensor& canvas_,
                                                   const at::Tensor& strokes_, int64_t kind, const at::Tensor& texture,
                                                   const at::Tensor& origin_, double pixels_per_unit,
                                                   const at::Tensor& softness, double l1, double l2) {
    check_softness(softness, strokes_);
    check_canvas(canvas_, strokes_, origin_, kind);
    check_like_canvas("target", target_, canvas_);
    const at::Tensor target = target_.contiguous(), canvas = canvas_.contiguous(), strokes = strokes_.contiguous(),
                     origin = origin_.contiguous();
    const TextureAtlas atlas = atlas_of(texture, kind);
    at::Tensor losses = at::empty({canvas.size(0), 2}, canvas.options());
    at::Tensor grad_strokes = at::empty(strokes.sizes(), strokes.options());
    AT_DISPATCH_FLOATING_TYPES(canvas.scalar_type(), "render_loss", [&] {
        cpu::render_loss<scalar_t>(target.const_data_ptr<scalar_t>(), canvas.const_data_ptr<scalar_t>(),
                                   strokes.const_data_ptr<scalar_t>(), static_cast<int>(kind), atlas,
                                   shape_of<Shape<scalar_t>, scalar_t>(canvas, strokes, origin, pixels_per_unit,
                                                                       *softness.const_data_ptr<scalar_t>()),
                                   static_cast<scalar_t>(l1), static_cast<scalar_t>(l2),
                                   losses.mutable_data_ptr<scalar_t>(), grad_strokes.mutable_data_ptr<scalar_t>());
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
