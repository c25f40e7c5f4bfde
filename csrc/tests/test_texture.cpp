// The bristle textures' packed rip-map: which level a stroke reads, and the bilinear lookup.
#include "common/texture.h"

#include "tests/strokes.h"

using namespace neuralpaint;

namespace {

void test_level_follows_the_size_on_screen() {
    CHECK(texture_level(256, 256.0, 1.0) == 0);   // a texel a pixel
    CHECK(texture_level(256, 1000.0, 1.0) == 0);  // magnified: the finest there is
    CHECK(texture_level(256, 64.0, 1.0) == 2);
    CHECK(texture_level(256, 64.0, 4.0) == 4);   // a soft stroke reads a coarser level
    CHECK(texture_level(256, 64.0, 0.25) == 2);  // but a sharp one no finer than the pixels
    CHECK(texture_level(256, 1e-9, 1.0) == 8);   // vanishing: a single texel
    CHECK(texture_level(1, 10.0, 1.0) == 0);
}

// Fills every level with its own value, and asks for each.
void test_levels_lie_where_the_layout_says() {
    const int width = 16, height = 4;
    RandomAtlas random(width, height, 1);
    for (int texture = 0; texture < 2; ++texture) {
        for (int i = 0; i <= 4; ++i) {
            for (int j = 0; j <= 2; ++j) {
                const int w = width >> i, h = height >> j;
                random.write(width, height, texture, w, h, 0, std::vector<int>(w * h, 100 * texture + 10 * i + j));
            }
        }
    }
    for (int texture = 0; texture < 2; ++texture) {
        for (int i = 0; i <= 4; ++i) {
            for (int j = 0; j <= 2; ++j) {
                const double along = width >> i, across = height >> j;
                const TextureLevel level = choose_level(random.atlas, texture == 0, along, across, 1.0);
                for (double s : {-1.0, 0.0, 0.3, 0.9999, 2.0}) {
                    const auto point = texture_point(level, s, 1 - s);
                    CHECK_NEAR(255 * texture_value(point.coverage, point), 100 * texture + 10 * i + j, 1e-9);
                }
            }
        }
    }
}

void test_bilinear() {
    RandomAtlas random(4, 1, 1);
    random.write(4, 1, 0, 4, 1, 0, {0, 40, 80, 200});
    const TextureLevel level = choose_level(random.atlas, true, 4.0, 1.0, 1.0);
    const auto value = [&](double along) {
        const auto point = texture_point(level, along, 0.5);
        return 255 * texture_value(point.coverage, point);
    };
    CHECK_NEAR(value(1.5 / 4), 40, 1e-9);  // a texel's centre
    CHECK_NEAR(value(2.0 / 4), 60, 1e-9);  // half-way to the next
    CHECK_NEAR(value(3.25 / 4), 170, 1e-9);
    CHECK_NEAR(value(0.0), 0, 1e-9);  // the border texel goes on outside
    CHECK_NEAR(value(1.0), 200, 1e-9);
}

void test_derivatives() {
    RandomAtlas random(16, 8, 3);
    check::Random uniform(4);
    const TextureLevel level = choose_level(random.atlas, false, 16.0, 8.0, 1.0);
    for (int i = 0; i < 500; ++i) {
        const double a = uniform.uniform(-0.1, 1.1), b = uniform.uniform(-0.1, 1.1), h = 1e-7;
        const int channel = i % 2;
        const auto value = [&](double x, double y) {
            const auto point = texture_point(level, x, y);
            return texture_value(channel == 0 ? point.coverage : point.ridge, point);
        };
        double by_a, by_b;
        const auto point = texture_point(level, a, b);
        const auto texels = channel == 0 ? point.coverage : point.ridge;
        CHECK_NEAR(texture_value_grad(texels, point, by_a, by_b), value(a, b), 1e-12);
        CHECK_NEAR(by_a, (value(a + h, b) - value(a - h, b)) / (2 * h), 1e-5);
        CHECK_NEAR(by_b, (value(a, b + h) - value(a, b - h)) / (2 * h), 1e-5);
    }
}

}  // namespace

int main() {
    test_level_follows_the_size_on_screen();
    test_levels_lie_where_the_layout_says();
    test_bilinear();
    test_derivatives();
    return check::failures();
}
