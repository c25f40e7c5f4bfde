// A block draws one tile: it lists the layers that may cover the tile, and lays them over the canvas one after the
// other. Of each layer every pixel adds up the areas to the right of its edges, which are cut to the tile first.
#include "cuda/path_scene.cuh"

namespace neuralpaint::cuda {
namespace {

template <typename T>
__global__ void __launch_bounds__(kThreads, kBlocksPerUnit<T>)
    render_paths_kernel(const T* canvas, PathScene<T> scene, Grid grid, T* output) {
    __shared__ LinePiece<T> pieces[2 * kThreads];
    __shared__ int32_t list[kThreads];
    const int64_t number = blockIdx.x;
    const Pixel pixel(number, grid, scene.sizes.height, scene.sizes.width);
    const TilePlace tile(number, grid, pixel);
    const int layers = scene.sizes.layers();
    T rgb[3];
    pixel.read(canvas, rgb);
    for (int begin = 0; begin < layers; begin += kThreads) {
        const int listed = list_layers(scene, pixel.canvas, begin, tile, list);
        __syncthreads();
        for (int i = 0; i < listed; ++i) {
            const PathLayer layer = scene.layers[pixel.canvas * layers + list[i]];
            const T covered = coverage_of(area_of(scene, layer, tile, pieces), layer.rule);
            if (covered > T(0)) lay(paint_of<true>(scene, layer, pixel), covered, rgb);
        }
        __syncthreads();
    }
    pixel.write(rgb, output);
}

}  // namespace

template <typename T>
void launch_render_paths(const T* canvas, const PathValues<T>& values, const PathShape& shape, T* output,
                         const Allocate& allocate, cudaStream_t stream) {
    if (shape.batch == 0) return;
    const PathScene<T> scene = make_scene(values, shape, allocate, stream);
    const Grid grid(shape.batch, shape.height, shape.width);
    launch(render_paths_kernel<T>, grid.total, kThreads, 0, stream, canvas, scene, grid, output);
}

template void launch_render_paths<float>(const float*, const PathValues<float>&, const PathShape&, float*,
                                         const Allocate&, cudaStream_t);
template void launch_render_paths<double>(const double*, const PathValues<double>&, const PathShape&, double*,
                                          const Allocate&, cudaStream_t);

}  // namespace neuralpaint::cuda
