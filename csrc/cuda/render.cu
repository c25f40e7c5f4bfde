#include "cuda/drawing.cuh"
#include "cuda/render.h"

namespace neuralpaint::cuda {
namespace {

template <typename Stroke>
struct Workspace {
    using T = typename Stroke::Scalar;
    Arena arena;
    Scene<Stroke> scene;
    int32_t* lists;

    Workspace(void* memory, const RenderShape<T>& shape)
        : arena(memory),
          scene(arena, shape, mask_layers(shape.strokes, Grid(shape.batch, shape.height, shape.width))),
          lists(arena.template take<int32_t>(draw_lists(scene))) {}
};

}  // namespace

template <typename T>
int64_t render_workspace(int kind, const RenderShape<T>& shape) {
    int64_t bytes = 0;
    with_stroke<T>(kind,
                   [&](auto tag) { bytes = Workspace<typename decltype(tag)::type>(nullptr, shape).arena.used(); });
    return bytes;
}

template <typename T>
void launch_render(const T* canvas, const T* strokes, int kind, const TextureAtlas& atlas, const RenderShape<T>& shape,
                   T* out, void* workspace, cudaStream_t stream) {
    if (shape.batch == 0) return;
    with_stroke<T>(kind, [&](auto tag) {
        using Stroke = typename decltype(tag)::type;
        const Workspace<Stroke> ws(workspace, shape);
        for (int64_t number = 0; number < ws.scene.layers; ++number) {
            const Layer layer = ws.scene.layer(number, shape);
            ws.scene.prepare(strokes, layer, atlas, shape, stream);
            draw_layer<Stroke>(number == 0 ? canvas : out, ws.scene, layer, shape, ws.lists, out, stream);
        }
    });
}

#define NP_INSTANTIATE(T)                                                                                          \
    template int64_t render_workspace<T>(int, const RenderShape<T>&);                                              \
    template void launch_render<T>(const T*, const T*, int, const TextureAtlas&, const RenderShape<T>&, T*, void*, \
                                   cudaStream_t);
NP_INSTANTIATE(float)
NP_INSTANTIATE(double)
#undef NP_INSTANTIATE

}  // namespace neuralpaint::cuda
