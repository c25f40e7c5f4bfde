// From a brush's number to its stroke type. This is the kernels' list of brushes: a line a header.
#pragma once

#include <type_traits>

#include "common/marker.h"
#include "common/rectangle.h"
#include "common/ribbon.h"
#include "common/round.h"
#include "common/watercolor.h"

namespace neuralpaint {

template <typename Stroke>
struct StrokeTag {
    using type = Stroke;
};

// Calls f(StrokeTag<Stroke<T>>) for the brush `kind`, or nothing if there is none.
template <typename T, int Kind = 0, typename F>
void with_stroke(int kind, F&& f) {
    if constexpr (Kind < kBrushNumbers) {
        using Stroke = typename BrushOf<Kind>::template Stroke<T>;
        if constexpr (!std::is_void_v<Stroke>) {
            if (kind == Kind) return f(StrokeTag<Stroke>{});
        }
        return with_stroke<T, Kind + 1>(kind, f);
    }
}

// Numbers in a stroke of the brush `kind`; 0 if there is none.
inline int parameter_count(int kind) {
    int count = 0;
    with_stroke<float>(kind, [&](auto tag) { count = decltype(tag)::type::kParameters; });
    return count;
}

// Whether the brush `kind` reads a texture.
inline bool reads_texture(int kind) {
    bool textured = false;
    with_stroke<float>(kind, [&](auto tag) { textured = decltype(tag)::type::kTextured; });
    return textured;
}

}  // namespace neuralpaint
