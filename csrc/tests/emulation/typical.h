// Strokes and textures such as a search has them, for what counts the kernels' work.
#pragma once

#include <vector>

#include "tests/plain_kernels.h"

namespace neuralpaint {

// A texture like those of the brushes: opaque but for its sides.
struct BristleAtlas : RandomAtlas {
    BristleAtlas() : RandomAtlas(16, 8, 1) {
        check::Random random(2);
        for (int texture = 0; texture < 2; ++texture) {
            for (int w = 16; w >= 1; w /= 2) {
                for (int h = 8; h >= 1; h /= 2) {
                    std::vector<int> cover(w * h, 255);
                    for (int x = 0; x < w && h > 1; ++x) cover[x] = static_cast<int>(random.uniform(0, 256));
                    write(16, 8, texture, w, h, 0, cover);
                }
            }
        }
    }
};

// Strokes of an eighth of the canvas, as a search has them.
template <typename Stroke>
Numbers<double> typical_strokes(int64_t count, bool opaque) {
    check::Random random(3);
    Numbers<double> strokes;
    for (int64_t n = 0; n < count; ++n) {
        Numbers<double> p(Stroke::kParameters);
        for (double& value : p) value = random.uniform();
        if (Stroke::kCurve) {
            for (int i : {4, 5}) p[i] = p[i - 4] + (random.uniform() < 0.5 ? -1 : 1) * random.uniform(0.05, 0.25);
            for (int i : {6, 7}) p[i] = random.uniform(0.1, 0.3);
        } else {
            const double whole = Stroke::kTextured ? 1 : 2;  // what a length is counted in
            for (int i : {2, 3}) p[i] = whole * random.uniform(0.03, 0.22);
        }
        p.back() = opaque ? 1 : random.uniform(0.3, 0.9);
        strokes.insert(strokes.end(), p.begin(), p.end());
    }
    return strokes;
}

}  // namespace neuralpaint
