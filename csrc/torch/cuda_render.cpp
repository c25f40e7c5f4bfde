#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <limits>
#include <tuple>

#include "cuda/render.h"
#include "torch/render_checks.h"

namespace neuralpaint {
namespace {

template <typename T>
using Shape = cuda::RenderShape<T>;

void check_arguments(const at::Tensor& canvas, const at::Tensor& strokes, int64_t kind, const at::Tensor& texture,
                     const at::Tensor& origin) {
    check_canvas(canvas, strokes, origin, kind);
    TORCH_CHECK(canvas.device() == strokes.device() && origin.device() == strokes.device() &&
                    (kind != kOil || texture.device() == strokes.device()),
                "canvas, strokes, origin and texture must be on one device");
    constexpr int64_t limit = std::numeric_limits<int>::max();
    TORCH_CHECK(canvas.size(2) <= 65536 && canvas.size(3) <= 65536 &&
                    canvas.size(0) * ((canvas.size(2) + 15) / 16) * ((canvas.size(3) + 15) / 16) <= limit,
                "the canvas is too large for one call: ", canvas.sizes());
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
        const auto shape = shape_of<Shape<scalar_t>, scalar_t>(canvas, strokes, origin, pixels_per_unit, softness);
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
    check_like_canvas("grad", grad_, canvas_);
    const c10::cuda::CUDAGuard guard(canvas_.device());
    const at::Tensor grad = grad_.contiguous(), canvas = canvas_.contiguous(), strokes = strokes_.contiguous(),
                     origin = origin_.contiguous();
    const TextureAtlas atlas = atlas_of(texture, kind);
    at::Tensor grad_canvas = at::empty(canvas.sizes(), canvas.options());
    at::Tensor grad_strokes = at::empty(strokes.sizes(), strokes.options());
    AT_DISPATCH_FLOATING_TYPES(canvas.scalar_type(), "render_backward", [&] {
        const int brush = static_cast<int>(kind);
        const auto shape = shape_of<Shape<scalar_t>, scalar_t>(canvas, strokes, origin, pixels_per_unit, softness);
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
    check_like_canvas("target", target_, canvas_);
    const c10::cuda::CUDAGuard guard(canvas_.device());
    const at::Tensor target = target_.contiguous(), canvas = canvas_.contiguous(), strokes = strokes_.contiguous(),
                     origin = origin_.contiguous();
    const TextureAtlas atlas = atlas_of(texture, kind);
    at::Tensor losses = at::empty({canvas.size(0), 2}, canvas.options());
    at::Tensor grad_strokes = at::empty(strokes.sizes(), strokes.options());
    AT_DISPATCH_FLOATING_TYPES(canvas.scalar_type(), "render_loss", [&] {
        const int brush = static_cast<int>(kind);
        auto shape = shape_of<Shape<scalar_t>, scalar_t>(canvas, strokes, origin, pixels_per_unit, 1.0);
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
