// Bristle textures: a rip-map (anisotropic mip-map) of two channels, coverage and ridge, packed so that one 64-bit load
// gives the four neighbours of both that a bilinear lookup needs.
#pragma once

#include "common/scalar.h"

namespace neuralpaint {

// Two textures (0 large, 1 small) as int32 [2, 2*height, 2*width, 2]; width texels run along the streaks.
struct TextureAtlas {
    const int32_t* data = nullptr;
    int width = 0;
    int height = 0;
};

// One level of one texture.
struct TextureLevel {
    const int32_t* quads = nullptr;
    int stride = 0;  // texels from one row to the next
    int width = 1;
    int height = 1;
};

// The level whose texels are nearest to `footprint` pixels wide, for `texels` laid over `pixels`.
template <typename T>
NP_HD int texture_level(int texels, T pixels, T footprint) {
    int last = 0;
    while ((texels >> last) > 1) ++last;
    const T ratio = static_cast<T>(texels) * vmax(footprint, T(1)) / vmax(pixels, T(1e-6));
    const int level = static_cast<int>(floor(log2(ratio) + T(0.5)));
    return level < 0 ? 0 : (level > last ? last : level);
}

template <typename T>
NP_HD TextureLevel choose_level(const TextureAtlas& atlas, bool large, T along_pixels, T across_pixels, T footprint) {
    const int i = texture_level(atlas.width, along_pixels, footprint);
    const int j = texture_level(atlas.height, across_pixels, footprint);
    TextureLevel level;
    level.stride = 2 * atlas.width;
    level.width = atlas.width >> i;
    level.height = atlas.height >> j;
    const int64_t plane = large ? 0 : int64_t(4) * atlas.width * atlas.height;
    const int64_t row = 2 * atlas.height - 2 * level.height;
    const int64_t column = 2 * atlas.width - 2 * level.width;
    level.quads = atlas.data + 2 * (plane + row * level.stride + column);
    return level;
}

// Where a lookup falls: the four texels around it, packed, of both channels; the weights in between; and
// d(position)/d(coordinate) (0 where clamped).
template <typename V>
struct TexturePoint {
    int_t<V> coverage, ridge;
    V fx, fy, dx, dy;
};

template <typename V>
NP_HD TexturePoint<V> texture_point(const TextureLevel& level, V along, V across) {
    using T = scalar_t<V>;
    const T w = static_cast<T>(level.width), h = static_cast<T>(level.height);
    const V x = along * V(w) - V(T(0.5)), y = across * V(h) - V(T(0.5));
    const V xc = clamp(x, T(0), w - T(1)), yc = clamp(y, T(0), h - T(1));
    const int_t<V> ix = truncate(xc), iy = truncate(yc);
    TexturePoint<V> p;
    gather_pairs(level.quads, iy * level.stride + ix, p.coverage, p.ridge);
    p.fx = xc - from_int<V>(ix);
    p.fy = yc - from_int<V>(iy);
    p.dx = select((x > V(0)) & (x < V(w - T(1))), V(w), V(0));
    p.dy = select((y > V(0)) & (y < V(h - T(1))), V(h), V(0));
    return p;
}

// Bilinear value in [0, 1] of one channel's texels.
template <typename V>
NP_HD V texture_value(int_t<V> q, const TexturePoint<V>& p) {
    using T = scalar_t<V>;
    const V v00 = from_int<V>(q & 255), v10 = from_int<V>((q >> 8) & 255);
    const V v01 = from_int<V>((q >> 16) & 255), v11 = from_int<V>((q >> 24) & 255);
    const V top = v00 + p.fx * (v10 - v00), bottom = v01 + p.fx * (v11 - v01);
    return (top + p.fy * (bottom - top)) * V(T(1) / T(255));
}

// The same, with its derivatives by `along` and `across`.
template <typename V>
NP_HD V texture_value_grad(int_t<V> q, const TexturePoint<V>& p, V& by_along, V& by_across) {
    using T = scalar_t<V>;
    const V unit(T(1) / T(255));
    const V v00 = from_int<V>(q & 255), v10 = from_int<V>((q >> 8) & 255);
    const V v01 = from_int<V>((q >> 16) & 255), v11 = from_int<V>((q >> 24) & 255);
    const V top = v00 + p.fx * (v10 - v00), bottom = v01 + p.fx * (v11 - v01);
    by_along = ((v10 - v00) + p.fy * ((v11 - v01) - (v10 - v00))) * p.dx * unit;
    by_across = (bottom - top) * p.dy * unit;
    return (top + p.fy * (bottom - top)) * unit;
}

}  // namespace neuralpaint
