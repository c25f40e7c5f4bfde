// Checks shared by the ops that take strokes: what keeps a kernel from reading outside its arguments.
#pragma once

#include <cstdint>

#include "common/dispatch.h"
#include "common/shapes.h"
#include "torch/tensors.h"

namespace neuralpaint {

inline void check_strokes(const Tensor& strokes, int64_t dim, int64_t kind) {
    NP_CHECK(kind >= 0 && kind < kBrushNumbers && parameter_count(static_cast<int>(kind)) > 0,
             "kind must be the number of a brush that the kernels draw, got ", kind);
    NP_CHECK(strokes.dim() == dim, "strokes must have ", dim, " dimensions, got shape ", shape_text(strokes));
    NP_CHECK(strokes.size(dim - 1) == parameter_count(static_cast<int>(kind)), "strokes must have ",
             parameter_count(static_cast<int>(kind)), " numbers each for this brush, got ", strokes.size(dim - 1));
}

// A softness that is read where the strokes are.
inline void check_softness(const Tensor& softness, const Tensor& strokes) {
    NP_CHECK(
        softness.dim() == 0 && softness.scalar_type() == strokes.scalar_type() && softness.device() == strokes.device(),
        "softness must be a scalar of the strokes' dtype and device");
}

// How rasterize stores its numbers, for the dtype that is asked for.
inline Output output_of(ScalarType dtype, const Tensor& strokes) {
    if (dtype == ScalarType::Half) return Output::kHalf;
    if (dtype == ScalarType::BFloat16) return Output::kBFloat16;
    if (dtype == ScalarType::Byte) return Output::kByte;
    NP_CHECK(dtype == strokes.scalar_type(), "dtype must be that of the strokes, float16, bfloat16 or uint8, got ",
             dtype_text(dtype));
    return Output::kSame;
}

inline void check_rasterize(const Tensor& strokes, int64_t kind, int64_t height, int64_t width, double softness) {
    check_strokes(strokes, 2, kind);
    NP_CHECK(height > 0 && width > 0 && height <= 65536 && width <= 65536,
             "height and width must be from 1 to 65536, got ", height, " and ", width);
    check_positive("softness", softness, strokes.scalar_type());
}

// The derivatives by what rasterize gave: [N, 3, H, W] and [N, 1, H, W].
inline void check_rasterize_grads(const Tensor& foreground, const Tensor& alpha, const Tensor& strokes, int64_t kind,
                                  double softness) {
    check_strokes(strokes, 2, kind);
    NP_CHECK(foreground.dim() == 4 && alpha.dim() == 4 && foreground.size(0) == strokes.size(0) &&
                 foreground.size(1) == 3 && alpha.size(0) == strokes.size(0) && alpha.size(1) == 1 &&
                 foreground.size(2) == alpha.size(2) && foreground.size(3) == alpha.size(3),
             "gradients must be [N, 3, H, W] and [N, 1, H, W]");
    for (const Tensor& grad : {foreground, alpha}) {
        const ScalarType type = grad.scalar_type();
        NP_CHECK(type == ScalarType::Float || type == ScalarType::Double || type == ScalarType::Half ||
                     type == ScalarType::BFloat16,
                 "gradients must be of a floating type, got ", dtype_text(type));
        NP_CHECK(grad.device() == strokes.device(), "gradients must be on the strokes' device, ", device_text(strokes));
    }
    check_rasterize(strokes, kind, alpha.size(2), alpha.size(3), softness);
}

constexpr int64_t kMostTexels = 1 << 15;  // places in an atlas are counted in 31 bits

// The atlas a texture tensor describes; the tensor must stay alive while it is used.
inline TextureAtlas atlas_of(const Tensor& texture, int64_t kind, const Tensor& strokes) {
    TextureAtlas atlas;
    if (!reads_texture(static_cast<int>(kind))) return atlas;
    NP_CHECK(texture.device() == strokes.device(), "texture must be on the strokes' device, ", device_text(strokes),
             ", got ", device_text(texture));
    NP_CHECK(texture.scalar_type() == ScalarType::Int && texture.is_contiguous() && texture.dim() == 4 &&
                 texture.size(0) == 2 && texture.size(3) == 2,
             "texture must be a contiguous int32 tensor [2, 2*height, 2*width, 2], got ", shape_text(texture));
    NP_CHECK(texture.size(1) <= kMostTexels && texture.size(2) <= kMostTexels, "texture must have sides of at most ",
             kMostTexels, ", got ", shape_text(texture));
    atlas.width = static_cast<int>(texture.size(2) / 2);
    atlas.height = static_cast<int>(texture.size(1) / 2);
    const auto power_of_two = [](int n) { return n > 0 && (n & (n - 1)) == 0; };
    NP_CHECK(
        power_of_two(atlas.width) && power_of_two(atlas.height) && texture.size(1) % 2 == 0 && texture.size(2) % 2 == 0,
        "texture sides must be powers of two, got ", shape_text(texture));
    atlas.data = data<int32_t>(texture);
    NP_CHECK(reinterpret_cast<uintptr_t>(atlas.data) % 8 == 0, "texture must start at a multiple of 8 bytes");
    return atlas;
}

}  // namespace neuralpaint
