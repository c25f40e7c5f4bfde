#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <limits>
#include <tuple>

#include "cuda/render.h"
#include "torch/stroke_checks.h"

namespace neuralpaint {
namespace {

void check_arguments(const at::Tensor& canvas, const at::Tensor& strokes, int64_t kind, const at::Tensor& texture,
                     const at::Tensor& origin) {
    check_strokes(strokes, 3, kind);
    TORCH_CHECK(canvas.dim() == 4 && canvas.size(1) == 3 && canvas.size(2) > 0 && canvas.size(3) > 0,
                "canvas must be [B, 3, H, W], got ", canvas.sizes());
    TORCH_CHECK(canvas.size(0) == strokes.size(0), "canvas and strokes must have the same batch size, got ",
                canvas.size(0), " and ", strokes.size(0));
    TORCH_CHECK(canvas.scalar_type() == strokes.scalar_type() && origin.scalar_type() == strokes.scalar_type(),
                "canvas, strokes and origin must have the same dtype");
    TORCH_CHECK(origin.dim() == 2 && origin.size(0) == canvas.size(0) && origin.size(1) == 2,
                "origin must be [B, 2], got ", origin.sizes());
    TORCH_CHECK(canvas.device() == strokes.device() && origin.device() == strokes.device() &&
                    (kind != kOil || texture.device() == strokes.device()),
                "canvas, strokes, origin and texture must be on one device");
    constexpr int64_t limit = std::numeric_limits<int>::max();
    TORCH_CHECK(canvas.size(2) <= 65536 && canvas.size(3) <= 65536 &&
                    canvas.size(0) * ((canvas.size(2) + 15) / 16) * ((canvas.size(3) + 15) / 16) <= limit,
                "the canvas is too large for one call: ", canvas.sizes());
    TORCH_CHECK(strokes.size(0) * (strokes.size(1) + 1) <= limit, "too many strokes for one call");
}

template <typename T>
cuda::RenderShape<T> shape_of(const at::Tensor& canvas, const at::Tensor& strokes, const at::Tensor& origin,
                              double pixels_per_unit, double softness) {
    return {canvas.size(0),
            strokes.size(1),
            static_cast<int>(canvas.size(2)),
            static_cast<int>(canvas.size(3)),
            static_cast<T>(pixels_per_unit),
            origin.const_data_ptr<T>(),
            static_cast<T>(softness)};
}

at::Tensor render_cuda(const at::Tensor& canvas_, const at::Tensor& strokes_, int64_t kind, const at::Tensor& texture,
                       const at::Tensor& origin_, double pixels_per_unit, double softness) {
    check_arguments(canvas_, strokes_, kind, texture, origin_);
    TORCH_CHECK(softness > 0, "softness must be positive, got ", softness);
    const c10::cuda::CUDAGuard guard(canvas_.device());
    const at::Tensor canvas = canvas_.contiguous(), strokes = strokes_.contiguous(), origin = origin_.contiguous();
    const TextureAtlas atlas = atlas_of(texture, kind);
    at::Tensor out = at::empty(canvas.sizes(), canvas.options());
    AT_DISPATCH_FLOATING_TYPES(canvas.scalar_type(), "render", [&] {
        const int brush = static_cast<int>(kind);
        const auto shape = shape_of<scalar_t>(canvas, strokes, origin, pixels_per_unit, softness);
        const at::Tensor workspace =
            at::empty({cuda::render_workspace<scalar_t>(brush, shape)}, canvas.options().dtype(at::kByte));
        cuda::launch_render<scalar_t>(canvas.const_data_ptr<scalar_t>(), strokes.const_data_ptr<scalar_t>(), brush,
                                      atlas, shape, out.mutable_data_ptr<scalar_t>(), workspace.mutable_data_ptr(),
                                      c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_CHECK(cudaGetLastError());
    return out;
}

std::tuple<at::Tensor, at::Tensor> render_backward_cuda(const at::Tensor& grad_, const at::Tensor& canvas_,
                                                        const at::Tensor& strokes_, int64_t kind,
                                                        const at::Tensor& texture, const at::Tensor& origin_,
                                                        double pixels_per_unit, double softness) {
    check_arguments(canvas_, strokes_, kind, texture, origin_);
    TORCH_CHECK(softness > 0, "softness must be positive, got ", softness);
    TORCH_CHECK(grad_.sizes() == canvas_.sizes() && grad_.scalar_type() == canvas_.scalar_type() &&
                    grad_.device() == canvas_.device(),
                "grad must have the canvas's shape, dtype and device");
    const c10::cuda::CUDAGuard guard(canvas_.device());
    const at::Tensor grad = grad_.contiguous(), canvas = canvas_.contiguous(), strokes = strokes_.contiguous(),
                     origin = origin_.contiguous();
    const TextureAtlas atlas = atlas_of(texture, kind);
    at::Tensor grad_canvas = at::empty(canvas.sizes(), canvas.options());
    at::Tensor grad_strokes = at::empty(strokes.sizes(), strokes.options());
    AT_DISPATCH_FLOATING_TYPES(canvas.scalar_type(), "render_backward", [&] {
        const int brush = static_cast<int>(kind);
        const auto shape = shape_of<scalar_t>(canvas, strokes, origin, pixels_per_unit, softness);
        const at::Tensor workspace =
            at::empty({cuda::render_backward_workspace<scalar_t>(brush, shape)}, canvas.options().dtype(at::kByte));
        cuda::launch_render_backward<scalar_t>(
            grad.const_data_ptr<scalar_t>(), canvas.const_data_ptr<scalar_t>(), strokes.const_data_ptr<scalar_t>(),
            brush, atlas, shape, grad_canvas.mutable_data_ptr<scalar_t>(), grad_strokes.mutable_data_ptr<scalar_t>(),
            workspace.mutable_data_ptr(), c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_CHECK(cudaGetLastError());
    return {grad_canvas, grad_strokes};
}

std::tuple<at::Tensor, at::Tensor> render_loss_cuda(const at::Tensor& target_, const at::Tensor& canvas_,
                                                    const at::Tensor& strokes_, int64_t kind, const at::Tensor& texture,
                                                    const at::Tensor& origin_, double pixels_per_unit,
                                                    const at::Tensor& softness, double l1, double l2) {
    check_arguments(canvas_, strokes_, kind, texture, origin_);
    check_softness(softness, strokes_);
    TORCH_CHECK(target_.sizes() == canvas_.sizes() && target_.scalar_type() == canvas_.scalar_type() &&
                    target_.device() == canvas_.device(),
                "target must have the canvas's shape, dtype and device");
    const c10::cuda::CUDAGuard guard(canvas_.device());
    const at::Tensor target = target_.contiguous(), canvas = canvas_.contiguous(), strokes = strokes_.contiguous(),
                     origin = origin_.contiguous();
    const TextureAtlas atlas = atlas_of(texture, kind);
    at::Tensor losses = at::empty({canvas.size(0), 2}, canvas.options());
    at::Tensor grad_strokes = at::empty(strokes.sizes(), strokes.options());
    AT_DISPATCH_FLOATING_TYPES(canvas.scalar_type(), "render_loss", [&] {
        const int brush = static_cast<int>(kind);
        auto shape = shape_of<scalar_t>(canvas, strokes, origin, pixels_per_unit, 1.0);
        shape.softness_at = softness.const_data_ptr<scalar_t>();
        const at::Tensor workspace =
            at::empty({cuda::render_loss_workspace<scalar_t>(brush, shape)}, canvas.options().dtype(at::kByte));
        cuda::launch_render_loss<scalar_t>(
            target.const_data_ptr<scalar_t>(), canvas.const_data_ptr<scalar_t>(), strokes.const_data_ptr<scalar_t>(),
            brush, atlas, shape, static_cast<scalar_t>(l1), static_cast<scalar_t>(l2),
            losses.mutable_data_ptr<scalar_t>(), grad_strokes.mutable_data_ptr<scalar_t>(),
            workspace.mutable_data_ptr(), c10::cuda::getCurrentCUDAStream());
    });
    C10_CUDA_CHECK(cudaGetLastError());
    return {losses, grad_strokes};
}

}  // namespace
}  // namespace neuralpaint

TORCH_LIBRARY_IMPL(neuralpaint, CUDA, m) {
    m.impl("render", &neuralpaint::render_cuda);
    m.impl("render_backward", &neuralpaint::render_backward_cuda);
    m.impl("render_loss", &neuralpaint::render_loss_cuda);
}
