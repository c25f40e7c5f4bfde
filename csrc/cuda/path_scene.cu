#include "cuda/path_scene.cuh"

#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace neuralpaint::cuda {
namespace {

// --- sums of what comes before ---------------------------------------------------------------------------------------

// The sum of the values of the threads before, and that of all. All threads must call it.
__device__ __forceinline__ int64_t sum_before(int64_t own, int64_t& all) {
    __shared__ int64_t warp_totals[kWarps];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    int64_t upto = own;
#pragma unroll
    for (int step = 1; step < 32; step *= 2) {
        const int64_t lower = __shfl_up_sync(kAllLanes, upto, step);
        if (lane >= step) upto += lower;
    }
    __syncthreads();  // warp_totals has been read
    if (lane == 31) warp_totals[warp] = upto;
    __syncthreads();
    int64_t before = upto - own;
    all = 0;
#pragma unroll
    for (int w = 0; w < kWarps; ++w) {
        if (w < warp) before += warp_totals[w];
        all += warp_totals[w];
    }
    return before;
}

__global__ void __launch_bounds__(kThreads) block_totals_kernel(const int64_t* counts, int64_t count, int64_t* totals) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    int64_t all;
    sum_before(n < count ? counts[n] : 0, all);
    if (threadIdx.x == 0) totals[blockIdx.x] = all;
}

// One block: what comes before each block, and after the last the sum of all.
__global__ void __launch_bounds__(kThreads) blocks_before_kernel(int64_t* totals, int64_t blocks) {
    int64_t carried = 0;
    for (int64_t begin = 0; begin < blocks; begin += kThreads) {
        const int64_t n = begin + threadIdx.x;
        int64_t all;
        const int64_t before = sum_before(n < blocks ? totals[n] : 0, all);
        if (n < blocks) totals[n] = carried + before;
        carried += all;
    }
    if (threadIdx.x == 0) totals[blocks] = carried;
}

__global__ void __launch_bounds__(kThreads)
    spread_kernel(int64_t* counts, int64_t count, const int64_t* totals, int64_t blocks) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    int64_t all;
    const int64_t before = sum_before(n < count ? counts[n] : 0, all);
    if (n < count) counts[n] = totals[blockIdx.x] + before;
    if (n == 0) counts[count] = totals[blocks];
}

// --- outlines --------------------------------------------------------------------------------------------------------

template <typename T>
__device__ __forceinline__ void read_segment(const T* points, Point p[4]) {
#pragma unroll
    for (int k = 0; k < 4; ++k) p[k] = {within_reach(points[2 * k]), within_reach(points[2 * k + 1])};
}

template <typename T>
__global__ void __launch_bounds__(kThreads) count_vertices_kernel(PathScene<T> scene) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    const PathSizes& sizes = scene.sizes;
    if (n >= static_cast<int64_t>(sizes.batch) * sizes.segments) return;
    const ContourRow& contour = scene.tables.contours[scene.tables.contour_of[n % sizes.segments]];
    const T* const widths = scene.values.width;
    const double radius = widths ? radius_of(widths[n / sizes.segments * sizes.paths + contour.path]) : 0;
    const double limit = scene.tables.miter_limits[contour.path], reach = radius * (limit > 1.5 ? limit : 1.5);
    Point p[4];
    read_segment(scene.values.points + 8 * n, p);
    scene.first_vertex[n] = line_count(p, radius, reach, sizes.height, sizes.width) + 1;
}

template <typename T>
__global__ void __launch_bounds__(kThreads) make_vertices_kernel(PathScene<T> scene) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    const PathSizes& sizes = scene.sizes;
    if (n >= static_cast<int64_t>(sizes.batch) * sizes.segments) return;
    const int segment = static_cast<int>(n % sizes.segments);
    const ContourRow& contour = scene.tables.contours[scene.tables.contour_of[segment]];
    const int64_t* const starts = scene.first_vertex + n;
    const int64_t* const ends = starts - segment + contour.first;  // of the contour
    const int64_t first = starts[0];
    const int lines = static_cast<int>(starts[1] - first) - 1;
    Point p[4];
    read_segment(scene.values.points + 8 * n, p);
    for (int j = 0; j <= lines; ++j) {
        const Weights weights(j, lines);
        Point at{0, 0};
        for (int k = 0; k < 4; ++k) at += weights.w[k] * p[k];
        const int64_t vertex = first + j;
        scene.at[vertex] = at;
        scene.inner[vertex] = j > 0 && j < lines;
        const bool begins = vertex == ends[0], closes = vertex + 1 == ends[contour.count];
        scene.next[vertex] = static_cast<int32_t>(closes ? ends[0] : vertex + 1);
        scene.prev[vertex] = static_cast<int32_t>((begins ? ends[contour.count] : vertex) - 1);
    }
}

struct CountPoint {
    int64_t* count;
    NP_HD_CALL void operator()(Point) const { ++*count; }
};
struct DoNothing {
    NP_HD_CALL void operator()() const {}
};
struct WritePoint {
    Point* points;
    int32_t *next, *prev, *at;
    NP_HD_CALL void operator()(Point p) const {
        points[*at] = p;
        next[*at] = *at + 1;
        prev[*at] = *at - 1;
        ++*at;
    }
};
struct CloseContour {
    int32_t *next, *prev, *at, *first;
    NP_HD_CALL void operator()() const {
        if (*at > *first) next[*at - 1] = *first, prev[*first] = *at - 1;
        *first = *at;
    }
};

template <typename T>
__global__ void __launch_bounds__(kThreads, 1) count_outlines_kernel(PathScene<T> scene) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    if (n >= static_cast<int64_t>(scene.sizes.batch) * scene.sizes.contours) return;
    int64_t first, count = 0;
    const Stroker stroker = scene.stroker_of(n, first);
    OutlinePoints<CountPoint, DoNothing> to{stroker, {&count}, {}};
    stroker.outline(to);
    scene.first_outline[n] = count;
}

template <typename T>
__global__ void __launch_bounds__(kThreads, 1) make_outlines_kernel(PathScene<T> scene) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
    if (n >= static_cast<int64_t>(scene.sizes.batch) * scene.sizes.contours) return;
    int64_t first;
    const Stroker stroker = scene.stroker_of(n, first);
    auto at = static_cast<int32_t>(scene.vertices + scene.first_outline[n]), begin = at;
    OutlinePoints<WritePoint, CloseContour> to{
        stroker, {scene.at, scene.next, scene.prev, &at}, {scene.next, scene.prev, &at, &begin}};
    stroker.outline(to);
}

// --- layers ----------------------------------------------------------------------------------------------------------

__device__ __forceinline__ int tile_at(double x, int size) {
    return static_cast<int>(std::clamp(x, 0.0, double(size - 1))) / kTile;
}

// A warp a layer.
template <typename T>
__global__ void __launch_bounds__(kThreads) set_layers_kernel(PathScene<T> scene) {
    const int64_t n = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / 32;
    const PathSizes& sizes = scene.sizes;
    const int64_t layers = static_cast<int64_t>(sizes.batch) * sizes.layers();
    const int lane = threadIdx.x % 32;
    if (n >= layers) return;
    const int64_t picture = n / sizes.layers();
    const int path = static_cast<int>(n % sizes.layers()) / 2;
    const bool stroke = n % 2 != 0;
    const int32_t first = scene.tables.first_contour[path], last = scene.tables.first_contour[path + 1];
    const int64_t* const style = scene.tables.styles + kStyles * path;
    PathLayer layer{};
    if (stroke ? scene.values.stroke != nullptr : scene.values.fill != nullptr) {
        const int64_t* const starts = scene.first_outline + picture * sizes.contours;
        const int64_t* const vertices = scene.first_vertex + picture * sizes.segments;
        const ContourRow* const rows = scene.tables.contours;
        layer.begin = static_cast<int32_t>(stroke ? scene.vertices + starts[first] : vertices[rows[first].first]);
        layer.end = static_cast<int32_t>(stroke ? scene.vertices + starts[last] : vertices[rows[last].first]);
    }
    double x0 = kFar * 4, x1 = -x0, y0 = x0, y1 = -x0, area = 0;
    const Point origin = layer.begin < layer.end ? scene.at[layer.begin] : Point{0, 0};
    for (int32_t e = layer.begin + lane; e < layer.end; e += 32) {
        const Point p = scene.at[e];
        x0 = vmin(x0, p.x), x1 = vmax(x1, p.x), y0 = vmin(y0, p.y), y1 = vmax(y1, p.y);
        area += cross(p - origin, scene.at[scene.next[e]] - origin);
    }
#pragma unroll
    for (int step = 16; step > 0; step /= 2) {
        x0 = vmin(x0, __shfl_xor_sync(kAllLanes, x0, step)), x1 = vmax(x1, __shfl_xor_sync(kAllLanes, x1, step));
        y0 = vmin(y0, __shfl_xor_sync(kAllLanes, y0, step)), y1 = vmax(y1, __shfl_xor_sync(kAllLanes, y1, step));
        area += __shfl_xor_sync(kAllLanes, area, step);
    }
    if (lane > 0) return;
    layer.path = static_cast<int32_t>(picture * sizes.paths + path);
    layer.stroke = stroke;
    layer.rule = stroke ? FillRule::kNonZero : static_cast<FillRule>(style[0]);
    layer.gradient = static_cast<int32_t>(style[stroke ? 4 : 3]);
    layer.orientation = area > 0 ? -1 : 1;  // walking down, what lies to the right is covered
    if (x1 >= 0 && x0 < sizes.width && y1 >= 0 && y0 < sizes.height) {
        layer.x0 = tile_at(x0, sizes.width), layer.x1 = tile_at(x1, sizes.width) + 1;
        layer.y0 = tile_at(y0, sizes.height), layer.y1 = tile_at(y1, sizes.height) + 1;
    }
    scene.layers[n] = layer;
}

// --- tables ----------------------------------------------------------------------------------------------------------

// Arrays, one after the other, that are copied to the device together.
class Parcel {
 public:
    template <typename E>
    size_t add(const E* numbers, int64_t count) {
        const size_t place = (bytes_.size() + 15) / 16 * 16, size = count * sizeof(E);
        bytes_.resize(place + size);
        if (size > 0) std::memcpy(bytes_.data() + place, numbers, size);
        return place;
    }
    const char* send(const Allocate& allocate, cudaStream_t stream) const {
        char* const to = take<char>(allocate, static_cast<int64_t>(bytes_.size()));
        check_cuda(cudaMemcpyAsync(to, bytes_.data(), bytes_.size(), cudaMemcpyHostToDevice, stream));
        return to;
    }

 private:
    std::vector<char> bytes_;
};

PathTables send_tables(const PathShape& shape, const Allocate& allocate, cudaStream_t stream) {
    std::vector<ContourRow> contours;
    std::vector<int32_t> contour_of, first_contour(shape.paths + 1, static_cast<int32_t>(shape.contours));
    for (int64_t c = shape.contours; c-- > 0;) first_contour[shape.layout[3 * c]] = static_cast<int32_t>(c);
    for (int64_t p = shape.paths; p-- > 0;) first_contour[p] = std::min(first_contour[p], first_contour[p + 1]);
    for (int64_t c = 0; c < shape.contours; ++c) {
        const int64_t* row = shape.layout + 3 * c;
        contours.push_back({static_cast<int32_t>(row[0]), static_cast<int32_t>(contour_of.size()),
                            static_cast<int32_t>(row[1]), static_cast<int32_t>(row[2])});
        contour_of.insert(contour_of.end(), row[1], static_cast<int32_t>(c));
    }
    contours.push_back({0, static_cast<int32_t>(contour_of.size()), 0, 0});
    std::vector<GradientRow> gradients;
    int64_t first = 0;
    for (int64_t g = 0; g < shape.gradients; ++g) {
        const int64_t* row = shape.gradient_styles + 3 * g;
        gradients.push_back({row[0], row[1], row[2], first});
        first += row[2];
    }
    Parcel parcel;
    const size_t places[6] = {parcel.add(contours.data(), contours.size()),
                              parcel.add(contour_of.data(), contour_of.size()),
                              parcel.add(first_contour.data(), first_contour.size()),
                              parcel.add(shape.styles, kStyles * shape.paths),
                              parcel.add(shape.miter_limits, shape.paths),
                              parcel.add(gradients.data(), gradients.size())};
    const char* const base = parcel.send(allocate, stream);
    return {
        reinterpret_cast<const ContourRow*>(base + places[0]), reinterpret_cast<const int32_t*>(base + places[1]),
        reinterpret_cast<const int32_t*>(base + places[2]),    reinterpret_cast<const int64_t*>(base + places[3]),
        reinterpret_cast<const double*>(base + places[4]),     reinterpret_cast<const GradientRow*>(base + places[5])};
}

}  // namespace

void check_cuda(int status) {
    if (status != 0) throw std::runtime_error("CUDA error " + std::to_string(status) + " in render_paths");
}

int64_t sum_up(int64_t* counts, int64_t count, int64_t most, const Allocate& allocate, cudaStream_t stream) {
    const int64_t blocks = blocks_for(count);
    int64_t* const totals = take<int64_t>(allocate, blocks + 1);
    if (blocks > 0) launch(block_totals_kernel, blocks, kThreads, 0, stream, counts, count, totals);
    launch(blocks_before_kernel, 1, kThreads, 0, stream, totals, blocks);
    launch(spread_kernel, std::max<int64_t>(1, blocks), kThreads, 0, stream, counts, count, totals, blocks);
    int64_t all = 0;
    check_cuda(cudaMemcpyAsync(&all, totals + blocks, sizeof(all), cudaMemcpyDeviceToHost, stream));
    check_cuda(cudaStreamSynchronize(stream));
    if (all > most) {
        throw std::runtime_error("points must make fewer lines: the curves are too long or too many for one picture");
    }
    return all;
}

template <typename T>
PathScene<T> make_scene(const PathValues<T>& values, const PathShape& shape, const Allocate& allocate,
                        cudaStream_t stream) {
    PathScene<T> scene{};
    scene.sizes = {static_cast<int>(shape.batch),
                   static_cast<int>(shape.segments),
                   static_cast<int>(shape.contours),
                   static_cast<int>(shape.paths),
                   static_cast<int>(shape.gradients),
                   static_cast<int>(shape.stops),
                   shape.height,
                   shape.width};
    const int64_t segments = shape.batch * shape.segments, contours = shape.batch * shape.contours;
    const int64_t layers = shape.batch * scene.sizes.layers();
    if (std::max({segments, contours, layers}) > kMostItems) {
        throw std::runtime_error("points must make fewer lines: there are too many paths in one batch");
    }
    scene.tables = send_tables(shape, allocate, stream);
    scene.values = values;
    scene.first_vertex = take<int64_t>(allocate, segments + 1);
    scene.first_outline = take<int64_t>(allocate, contours + 1);
    if (segments > 0) launch(count_vertices_kernel<T>, blocks_for(segments), kThreads, 0, stream, scene);
    scene.vertices = scene.points = sum_up(scene.first_vertex, segments, kMostItems, allocate, stream);
    // Once more if there are strokes, whose outlines' size is known when the vertices are.
    const auto make_room = [&] {
        scene.at = take<Point>(allocate, scene.points);
        scene.next = take<int32_t>(allocate, scene.points);
        scene.prev = take<int32_t>(allocate, scene.points);
        if (segments > 0) launch(make_vertices_kernel<T>, blocks_for(segments), kThreads, 0, stream, scene);
    };
    scene.inner = take<char>(allocate, scene.vertices);
    make_room();
    if (values.stroke && contours > 0) {
        scene.kept = take<int>(allocate, scene.vertices);
        scene.chords = take<Stroker::Chord>(allocate, scene.vertices);
        launch(count_outlines_kernel<T>, blocks_for(contours), kThreads, 0, stream, scene);
        scene.points += sum_up(scene.first_outline, contours, kMostItems, allocate, stream);
        make_room();
        launch(make_outlines_kernel<T>, blocks_for(contours), kThreads, 0, stream, scene);
    }
    scene.layers = take<PathLayer>(allocate, layers);
    if (layers > 0) {
        launch(set_layers_kernel<T>, (layers + kWarps - 1) / kWarps, kThreads, 0, stream, scene);
    }
    return scene;
}

template PathScene<float> make_scene(const PathValues<float>&, const PathShape&, const Allocate&, cudaStream_t);
template PathScene<double> make_scene(const PathValues<double>&, const PathShape&, const Allocate&, cudaStream_t);

}  // namespace neuralpaint::cuda
