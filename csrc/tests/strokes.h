// Random strokes and a small bristle texture for the tests.
#pragma once

#include <vector>

#include "common/texture.h"
#include "tests/check.h"

namespace neuralpaint {

// A stroke with its shape in the middle of the canvas. Radii are kept small against the curve, so that no pixel has
// two nearest points on it (there the colour jumps, and no derivative exists).
template <typename Stroke>
std::vector<double> random_stroke(check::Random& random) {
    std::vector<double> p(Stroke::kParameters);
    for (double& value : p) value = random.uniform();
    for (int i = 0; i < 4; ++i) p[i] = random.uniform(0.2, 0.8);
    if (Stroke::kCurve) {
        p[4] = p[0] + (random.uniform() < 0.5 ? -1 : 1) * random.uniform(0.3, 0.5);
        p[5] = p[1] + (random.uniform() < 0.5 ? -1 : 1) * random.uniform(0.3, 0.5);
        p[6] = random.uniform(0.05, 0.2);
        p[7] = random.uniform(0.05, 0.2);
    }
    return p;
}

// The packed rip-map of two random textures; width x height texels, both powers of two.
struct RandomAtlas {
    std::vector<int32_t> quads;
    TextureAtlas atlas;

    RandomAtlas(int width, int height, uint64_t seed) : quads(16 * width * height) {
        check::Random random(seed);
        for (int texture = 0; texture < 2; ++texture) {
            for (int w = width; w >= 1; w /= 2) {
                for (int h = height; h >= 1; h /= 2) {
                    for (int channel = 0; channel < 2; ++channel) {
                        std::vector<int> texels(w * h);
                        for (int& texel : texels) texel = static_cast<int>(random.uniform(0, 256));
                        write(width, height, texture, w, h, channel, texels);
                    }
                }
            }
        }
        atlas = {quads.data(), width, height};
    }

    // Writes one level at its place: column 2·width - 2·w, row 2·height - 2·h of a plane of 2·height rows.
    void write(int width, int height, int texture, int w, int h, int channel, const std::vector<int>& texels) {
        for (int y = 0; y < h; ++y) {
            for (int x = 0; x < w; ++x) {
                const int right = x + 1 < w ? x + 1 : x, below = y + 1 < h ? y + 1 : y;
                const uint32_t quad = static_cast<uint32_t>(texels[y * w + x]) |
                                      static_cast<uint32_t>(texels[y * w + right]) << 8 |
                                      static_cast<uint32_t>(texels[below * w + x]) << 16 |
                                      static_cast<uint32_t>(texels[below * w + right]) << 24;
                const int row = texture * 2 * height + 2 * height - 2 * h + y, column = 2 * width - 2 * w + x;
                quads[(row * 2 * width + column) * 2 + channel] = static_cast<int32_t>(quad);
            }
        }
    }
};

}  // namespace neuralpaint
