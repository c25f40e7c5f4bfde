// Checks shared by the ops that take strokes: what keeps a kernel from reading outside its arguments.
#pragma once

#include <torch/library.h>

#include "common/dispatch.h"

namespace neuralpaint {

inline void check_strokes(const at::Tensor& strokes, int64_t dim, int64_t kind) {
    TORCH_CHECK(parameter_count(static_cast<int>(kind)) > 0, "kind must be 0 (oil), 1 (watercolor), 2 (marker) or 3 ",
                "(tape), got ", kind);
    TORCH_CHECK(strokes.dim() == dim, "strokes must have ", dim, " dimensions, got shape ", strokes.sizes());
    TORCH_CHECK(strokes.size(-1) == parameter_count(static_cast<int>(kind)), "strokes must have ",
                parameter_count(static_cast<int>(kind)), " numbers each for this brush, got ", strokes.size(-1));
}

// A softness that is read where the strokes are.
inline void check_softness(const at::Tensor& softness, const at::Tensor& strokes) {
    TORCH_CHECK(
        softness.dim() == 0 && softness.scalar_type() == strokes.scalar_type() && softness.device() == strokes.device(),
        "softness must be a scalar of the strokes' dtype and device");
}

// The atlas a texture tensor describes; the tensor must stay alive while it is used.
inline TextureAtlas atlas_of(const at::Tensor& texture, int64_t kind) {
    TextureAtlas atlas;
    if (kind != kOil) return atlas;
    TORCH_CHECK(texture.scalar_type() == at::kInt && texture.is_contiguous() && texture.dim() == 4 &&
                    texture.size(0) == 2 && texture.size(3) == 2,
                "texture must be a contiguous int32 tensor [2, 2*height, 2*width, 2], got ", texture.sizes());
    atlas.width = static_cast<int>(texture.size(2) / 2);
    atlas.height = static_cast<int>(texture.size(1) / 2);
    const auto power_of_two = [](int n) { return n > 0 && (n & (n - 1)) == 0; };
    TORCH_CHECK(
        power_of_two(atlas.width) && power_of_two(atlas.height) && texture.size(1) % 2 == 0 && texture.size(2) % 2 == 0,
        "texture sides must be powers of two, got ", texture.sizes());
    atlas.data = texture.const_data_ptr<int32_t>();
    TORCH_CHECK(reinterpret_cast<uintptr_t>(atlas.data) % 8 == 0, "texture must start at a multiple of 8 bytes");
    return atlas;
}

}  // namespace neuralpaint
