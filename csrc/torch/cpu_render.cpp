#include "cpu/render.h"
#include "torch/pool.h"
#include "torch/render_checks.h"

namespace neuralpaint {
namespace {

Tensor render_cpu(const Tensor& canvas_, const Tensor& strokes_, int64_t kind, const Tensor& texture,
                  const Tensor& origin_, double pixels_per_unit, double softness) {
    check_canvas(canvas_, strokes_, origin_, kind, pixels_per_unit, softness);
    const Tensor canvas = to_contiguous(canvas_), strokes = to_contiguous(strokes_), origin = to_contiguous(origin_);
    const TextureAtlas atlas = atlas_of(texture, kind, strokes);
    Tensor out = empty_pooled(canvas, canvas.sizes(), canvas.scalar_type());
    with_floating_type("render", canvas.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        cpu::render<T>(data<T>(canvas), data<T>(strokes), static_cast<int>(kind), atlas,
                       render_shape<T>(canvas, strokes, origin, pixels_per_unit, softness), mutable_data<T>(out));
    });
    return out;
}

std::tuple<Tensor, Tensor> render_backward_cpu(const Tensor& grad_, const Tensor& canvas_, const Tensor& strokes_,
                                               int64_t kind, const Tensor& texture, const Tensor& origin_,
                                               double pixels_per_unit, double softness) {
    check_canvas(canvas_, strokes_, origin_, kind, pixels_per_unit, softness);
    check_like_canvas("grad", grad_, canvas_);
    const Tensor grad = to_contiguous(grad_), canvas = to_contiguous(canvas_), strokes = to_contiguous(strokes_),
                 origin = to_contiguous(origin_);
    const TextureAtlas atlas = atlas_of(texture, kind, strokes);
    Tensor grad_canvas = empty_pooled(canvas, canvas.sizes(), canvas.scalar_type());
    Tensor grad_strokes = make_empty(strokes);
    with_floating_type("render_backward", canvas.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        cpu::render_backward<T>(data<T>(grad), data<T>(canvas), data<T>(strokes), static_cast<int>(kind), atlas,
                                render_shape<T>(canvas, strokes, origin, pixels_per_unit, softness),
                                mutable_data<T>(grad_canvas), mutable_data<T>(grad_strokes));
    });
    return {grad_canvas, grad_strokes};
}

std::tuple<Tensor, Tensor> render_loss_cpu(const Tensor& target_, const Tensor& weight_, const Tensor& canvas_,
                                           const Tensor& strokes_, int64_t kind, const Tensor& texture,
                                           const Tensor& origin_, double pixels_per_unit, const Tensor& softness,
                                           double l1, double l2) {
    check_softness(softness, strokes_);
    check_canvas(canvas_, strokes_, origin_, kind, pixels_per_unit);
    check_loss_weights(l1, l2, canvas_);
    check_like_canvas("target", target_, canvas_);
    check_pixel_weight(weight_, canvas_);
    const Tensor target = to_contiguous(target_), weight = to_contiguous(weight_), canvas = to_contiguous(canvas_),
                 strokes = to_contiguous(strokes_), origin = to_contiguous(origin_);
    const TextureAtlas atlas = atlas_of(texture, kind, strokes);
    Tensor losses = make_empty(canvas, {canvas.size(0), 2}, canvas.scalar_type());
    Tensor grad_strokes = make_empty(strokes);
    with_floating_type("render_loss", canvas.scalar_type(), [&](auto tag) {
        using T = typename decltype(tag)::type;
        cpu::render_loss<T>(comparison_with<T>(target, weight, l1, l2), data<T>(canvas), data<T>(strokes),
                            static_cast<int>(kind), atlas,
                            render_shape<T>(canvas, strokes, origin, pixels_per_unit, *data<T>(softness)),
                            mutable_data<T>(losses), mutable_data<T>(grad_strokes));
    });
    return {losses, grad_strokes};
}

}  // namespace
}  // namespace neuralpaint

STABLE_TORCH_LIBRARY_IMPL(neuralpaint, CPU, m) {
    m.impl("render", TORCH_BOX(&neuralpaint::render_cpu));
    m.impl("render_backward", TORCH_BOX(&neuralpaint::render_backward_cpu));
    m.impl("render_loss", TORCH_BOX(&neuralpaint::render_loss_cpu));
}
