#include "cpu/sinkhorn.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "common/logsumexp.h"

// A sum over j of exp(Y_j - C_ij / epsilon) is taken in one of two ways.
//
// Exponentials first: exp(Y_j - max Y) times the table exp(-C / epsilon), in float64. That is one exp a pixel, and the
// rest is multiply-adds. What underflows on the way is below 1e-307, so the sum is right wherever it comes out well
// above that, which the sum itself tells.
//
// Logarithms: each term's exponent less the largest of them, one exp a term. Right for any exponents, and taken for
// sums that the first way can't hold (concentrated masses at a small epsilon).
//
// The squared Euclidean cost splits into rows and columns, so either way is two passes over lines. The Euclidean cost
// does not, and its sums run over all pixels; their table depends on |row - row'| and |column - column'| alone.
//
// The backward pass needs exp(Z_i) sum_j exp(Y_j - C_ij / epsilon) w_j with signed w_j: the same two ways.

namespace neuralpaint::cpu {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kSmallestSum = 1e-280;  // a larger sum has lost nothing that counts to underflow
constexpr double kLargestShift = 600;    // exp of it, times a sum of kLargestWeight, is finite
constexpr double kLargestWeight = 1e30;
constexpr double kLargest = 1e300;  // gradients in float64 are held within this, so that sums of a few stay finite

constexpr int64_t kRowsPerTile = 3;  // of the dense sums
constexpr int64_t kTermsPerTask = 200 * 1000;

#if defined(__AVX512F__)
constexpr int64_t kLanes = 8;
#elif defined(__AVX__)
constexpr int64_t kLanes = 4;
#else
constexpr int64_t kLanes = 2;
#endif
typedef double Vec __attribute__((vector_size(kLanes * sizeof(double))));

inline Vec load(const double* p) {
    Vec v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

// A load that stays in its register. Compilers would rather read memory again for each use, and the loads, many of them
// across two cache lines, would then take longer than the arithmetic.
inline Vec load_once(const double* p) {
    Vec v = load(p);
#if defined(__x86_64__) && defined(__AVX__)
    asm("" : "+v"(v));
#endif
    return v;
}

inline void store(double* p, Vec v) { std::memcpy(p, &v, sizeof v); }

// Denormal intermediate values are lost on purpose (kSmallestSum allows for it), and slow on some processors.
class FlushDenormals {
 public:
#if defined(__SSE2__)
    FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040); }
    ~FlushDenormals() { _mm_setcsr(saved_); }

 private:
    unsigned saved_;
#else
    FlushDenormals() {}
#endif
    FlushDenormals(const FlushDenormals&) = delete;
};

// out[R, V vectors] (+)= a[R, depth] * b[depth, V vectors].
template <int R, int V>
inline void product_tile(const double* a, int64_t a_stride, const double* b, int64_t stride, double* out, int64_t depth,
                         bool accumulate) {
    Vec sum[R][V];
    for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) sum[r][v] = accumulate ? load(out + r * stride + v * kLanes) : Vec{};
    for (int64_t k = 0; k < depth; ++k) {
        Vec right[V];
        for (int v = 0; v < V; ++v) right[v] = load_once(b + k * stride + v * kLanes);
        for (int r = 0; r < R; ++r) {
            const double left = a[r * a_stride + k];
            for (int v = 0; v < V; ++v) sum[r][v] += left * right[v];
        }
    }
    for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) store(out + r * stride + v * kLanes, sum[r][v]);
}

template <int V>
inline void product_columns(const double* a, int64_t a_stride, const double* b, int64_t stride, double* out,
                            int64_t rows, int64_t depth, bool accumulate) {
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4)
        product_tile<4, V>(a + r * a_stride, a_stride, b, stride, out + r * stride, depth, accumulate);
    for (; r < rows; ++r)
        product_tile<1, V>(a + r * a_stride, a_stride, b, stride, out + r * stride, depth, accumulate);
}

// out[rows, stride] (+)= a[rows, depth] * b[depth, stride]; stride is a multiple of kLanes.
void product(const double* a, int64_t a_stride, const double* b, int64_t stride, double* out, int64_t rows,
             int64_t depth, bool accumulate) {
    const int64_t grain = std::max<int64_t>(4, kTermsPerTask / (depth * stride) / 4 * 4);
    at::parallel_for(0, (rows + 3) / 4, grain / 4, [&](int64_t begin, int64_t end) {
        const FlushDenormals flush;
        const int64_t first = 4 * begin, count = std::min(rows, 4 * end) - first;
        const double* left = a + first * a_stride;
        double* sums = out + first * stride;
        int64_t c = 0;
        for (; c + 3 * kLanes <= stride; c += 3 * kLanes)
            product_columns<3>(left, a_stride, b + c, stride, sums + c, count, depth, accumulate);
        for (; c < stride; c += kLanes)
            product_columns<1>(left, a_stride, b + c, stride, sums + c, count, depth, accumulate);
    });
}

// Shape of the maps that the passes work on: rows are padded to whole vectors. Padding holds exponents of -infinity.
struct Grid {
    int64_t height, width, stride;
    int64_t size() const { return height * stride; }
};

double largest(const double* values, int64_t count) {
    double most = -kInfinity;
#pragma omp simd reduction(max : most)
    for (int64_t i = 0; i < count; ++i) most = values[i] > most ? values[i] : most;
    return most;
}

double smallest(const double* values, int64_t count) {
    double least = kInfinity;
#pragma omp simd reduction(min : least)
    for (int64_t i = 0; i < count; ++i) least = values[i] < least ? values[i] : least;
    return least;
}

inline double bounded(double value) {
    const double low = value < -kLargest ? -kLargest : value;
    return low > kLargest ? kLargest : low;
}

// values = exp(exponents - shift), and if weights are given weighted = values * weights. Returns the largest
// |weighted|.
double exponentials(const double* exponents, const double* weights, double shift, double* values, double* weighted,
                    int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) values[i] = exp_lane(exponents[i] - shift);
    if (!weights) return 0;
    double most = 0;
#pragma omp simd reduction(max : most)
    for (int64_t i = 0; i < count; ++i) {
        weighted[i] = values[i] * weights[i];
        const double size = std::abs(weighted[i]);
        most = size > most ? size : most;
    }
    return most;
}

// Squared Euclidean cost: sums over all pixels as a pass along rows and a pass along columns.
class SeparableSums {
 public:
    SeparableSums(const Grid& grid, double epsilon)
        : grid_(grid),
          rows_(line(grid.height, grid.height, grid.height, epsilon)),
          columns_(line(grid.width, grid.stride, grid.width, epsilon)) {}

    struct Scratch {
        explicit Scratch(const Grid& grid)
            : values(grid.size()), weighted(grid.size()), first(grid.size()), second(grid.size()), shift(grid.size()) {}
        std::vector<double> values, weighted, first, second, shift;
    };

    // out_i = -log sum_j exp(exponents_j - C_ij / epsilon)
    void negative_log_sum(const double* exponents, double* out, Scratch& scratch) const {
        const int64_t size = grid_.size();
        const double shift = largest(exponents, size);
        exponentials(exponents, nullptr, shift, scratch.values.data(), nullptr, size);
        along_rows(scratch.values, columns_.kernel, scratch.first, false);
        along_columns(scratch.first, rows_.kernel, out, false);
        if (!(smallest(out, size) >= kSmallestSum)) return negative_log_sum_by_logarithms(exponents, out, scratch);
#pragma omp simd
        for (int64_t i = 0; i < size; ++i) out[i] = -(shift + log_lane(out[i]));
    }

    // out_i = exp(scale_i) sum_j exp(exponents_j - C_ij / epsilon) ([C_ij if with_cost] - weights_j); weights may be
    // null
    void weighted_sum(const double* exponents, const double* weights, const double* scale, bool with_cost, double* out,
                      Scratch& scratch) const {
        const int64_t size = grid_.size();
        const double shift = largest(exponents, size);
        const double most =
            exponentials(exponents, weights, shift, scratch.values.data(), scratch.weighted.data(), size);
        if (!(largest(scale, size) + shift <= kLargestShift && most <= kLargestWeight))
            return weighted_sum_by_logarithms(exponents, weights, scale, with_cost, out, scratch);
        if (weights) {
            for (int64_t i = 0; i < size; ++i) scratch.weighted[i] = -scratch.weighted[i];
            along_rows(scratch.weighted, columns_.kernel, scratch.first, false);
        }
        if (with_cost) {
            along_rows(scratch.values, columns_.costly_kernel, scratch.first, weights != nullptr);
            along_rows(scratch.values, columns_.kernel, scratch.second, false);
        }
        along_columns(scratch.first, rows_.kernel, out, false);
        if (with_cost) along_columns(scratch.second, rows_.costly_kernel, out, true);
#pragma omp simd
        for (int64_t i = 0; i < size; ++i) out[i] = bounded(out[i] * exp_lane(scale[i] + shift));
    }

 private:
    // Tables between two positions of a line, [count, stride]. Columns of padding repeat the last one, so that sums
    // there are as harmless as in the picture.
    struct Line {
        std::vector<double> cost, exponent, kernel, costly_kernel;
    };

    static Line line(int64_t count, int64_t stride, int64_t side, double epsilon) {
        Line tables;
        for (auto* table : {&tables.cost, &tables.exponent, &tables.kernel, &tables.costly_kernel})
            table->resize(count * stride);
        for (int64_t i = 0; i < count; ++i) {
            for (int64_t j = 0; j < stride; ++j) {
                const int64_t at = i * stride + j;
                const double distance = static_cast<double>(i - std::min(j, count - 1)) / static_cast<double>(side);
                tables.cost[at] = distance * distance;
                tables.exponent[at] = tables.cost[at] / epsilon;
                tables.kernel[at] = exp_lane(-tables.exponent[at]);
                tables.costly_kernel[at] = tables.kernel[at] * tables.cost[at];
            }
        }
        return tables;
    }

    void along_rows(const std::vector<double>& values, const std::vector<double>& kernel, std::vector<double>& out,
                    bool accumulate) const {
        product(values.data(), grid_.stride, kernel.data(), grid_.stride, out.data(), grid_.height, grid_.width,
                accumulate);
    }

    void along_columns(const std::vector<double>& values, const std::vector<double>& kernel, double* out,
                       bool accumulate) const {
        product(kernel.data(), grid_.height, values.data(), grid_.stride, out, grid_.height, grid_.height, accumulate);
    }

    void negative_log_sum_by_logarithms(const double* exponents, double* out, Scratch& scratch) const {
        const int64_t height = grid_.height, width = grid_.width, stride = grid_.stride;
        for_lines([&](int64_t r) {
            double* shift = scratch.shift.data() + r * stride;
            double* sum = scratch.first.data() + r * stride;
            std::fill_n(shift, stride, no_terms<double>());
            std::fill_n(sum, stride, 0.0);
            for (int64_t k = 0; k < width; ++k)
                raise(exponents[r * stride + k], columns_.exponent.data() + k * stride, shift, stride);
            for (int64_t k = 0; k < width; ++k) {
                const double y = exponents[r * stride + k];
                const double* far = columns_.exponent.data() + k * stride;
#pragma omp simd
                for (int64_t c = 0; c < stride; ++c) sum[c] += exp_lane(y - far[c] - shift[c]);
            }
#pragma omp simd
            for (int64_t c = 0; c < stride; ++c) sum[c] = shift[c] + log_lane(sum[c]);
        });
        for_lines([&](int64_t r) {
            double* shift = scratch.shift.data() + r * stride;
            double* sum = out + r * stride;
            std::fill_n(shift, stride, no_terms<double>());
            std::fill_n(sum, stride, 0.0);
            for (int64_t k = 0; k < height; ++k) {
                const double* inner = scratch.first.data() + k * stride;
                const double far = rows_.exponent[r * height + k];
#pragma omp simd
                for (int64_t c = 0; c < stride; ++c) shift[c] = inner[c] - far > shift[c] ? inner[c] - far : shift[c];
            }
            for (int64_t k = 0; k < height; ++k) {
                const double* inner = scratch.first.data() + k * stride;
                const double far = rows_.exponent[r * height + k];
#pragma omp simd
                for (int64_t c = 0; c < stride; ++c) sum[c] += exp_lane(inner[c] - far - shift[c]);
            }
#pragma omp simd
            for (int64_t c = 0; c < stride; ++c) sum[c] = -(shift[c] + log_lane(sum[c]));
        });
    }

    // Sums of the first pass stay apart from their exponent: (weight or cost) times a mantissa of size about 1.
    void weighted_sum_by_logarithms(const double* exponents, const double* weights, const double* scale, bool with_cost,
                                    double* out, Scratch& scratch) const {
        const int64_t height = grid_.height, width = grid_.width, stride = grid_.stride;
        const double factor = with_cost ? 1.0 : 0.0;
        double* const mass = scratch.second.data();     // sum of exponentials
        double* const weighted = scratch.first.data();  // the same, weighted
        double* const shifts = scratch.shift.data();
        for_lines([&](int64_t r) {
            double *shift = shifts + r * stride, *plain = mass + r * stride, *sum = weighted + r * stride;
            std::fill_n(shift, stride, no_terms<double>());
            std::fill_n(plain, stride, 0.0);
            std::fill_n(sum, stride, 0.0);
            for (int64_t k = 0; k < width; ++k)
                raise(exponents[r * stride + k], columns_.exponent.data() + k * stride, shift, stride);
            for (int64_t k = 0; k < width; ++k) {
                const double y = exponents[r * stride + k];
                const double weight = weights ? weights[r * stride + k] : 0.0;
                const double* far = columns_.exponent.data() + k * stride;
                const double* cost = columns_.cost.data() + k * stride;
#pragma omp simd
                for (int64_t c = 0; c < stride; ++c) {
                    const double term = exp_lane(y - far[c] - shift[c]);
                    plain[c] += term;
                    sum[c] += term * (factor * cost[c] - weight);
                }
            }
        });
        // values and weighted of the scratch are free here: values holds the second pass's shifts.
        for_lines([&](int64_t r) {
            double *shift = scratch.values.data() + r * stride, *sum = out + r * stride;
            std::fill_n(shift, stride, no_terms<double>());
            std::fill_n(sum, stride, 0.0);
            for (int64_t k = 0; k < height; ++k) {
                const double* inner = shifts + k * stride;
                const double far = rows_.exponent[r * height + k];
#pragma omp simd
                for (int64_t c = 0; c < stride; ++c) shift[c] = inner[c] - far > shift[c] ? inner[c] - far : shift[c];
            }
            for (int64_t k = 0; k < height; ++k) {
                const double* inner = shifts + k * stride;
                const double *plain = mass + k * stride, *inner_sum = weighted + k * stride;
                const double far = rows_.exponent[r * height + k];
                const double cost = factor * rows_.cost[r * height + k];
#pragma omp simd
                for (int64_t c = 0; c < stride; ++c)
                    sum[c] += exp_lane(inner[c] - far - shift[c]) * (inner_sum[c] + cost * plain[c]);
            }
#pragma omp simd
            for (int64_t c = 0; c < stride; ++c)
                sum[c] = bounded(bounded(sum[c]) * exp_lane(shift[c] + scale[r * stride + c]));
        });
    }

    static void raise(double y, const double* far, double* shift, int64_t count) {
#pragma omp simd
        for (int64_t c = 0; c < count; ++c) shift[c] = y - far[c] > shift[c] ? y - far[c] : shift[c];
    }

    template <typename Line>
    void for_lines(const Line& line) const {
        const int64_t terms = grid_.stride * std::max(grid_.width, grid_.height) * 8;  // an exp costs about 8 of them
        at::parallel_for(0, grid_.height, std::max<int64_t>(1, kTermsPerTask / terms), [&](int64_t begin, int64_t end) {
            const FlushDenormals flush;
            for (int64_t r = begin; r < end; ++r) line(r);
        });
    }

    Grid grid_;
    Line rows_, columns_;
};

// Euclidean cost: each sum runs over all pixels.
class DenseSums {
 public:
    DenseSums(const Grid& grid, double epsilon) : grid_(grid), reach_(grid.width - 1), stride_(reach_ + grid.stride) {
        const int64_t rows = grid.height + kRowsPerTile - 1;  // the last tile may hang over
        for (auto* table : {&cost_, &exponent_, &kernel_, &costly_kernel_}) table->resize(rows * stride_);
        for (int64_t r = 0; r < rows; ++r) {
            for (int64_t c = 0; c < stride_; ++c) {
                const double dy = static_cast<double>(r) / static_cast<double>(grid.height);
                const double dx = static_cast<double>(c - reach_) / static_cast<double>(grid.width);
                const int64_t at = r * stride_ + c;
                cost_[at] = std::sqrt(dx * dx + dy * dy);
                exponent_[at] = cost_[at] / epsilon;
                kernel_[at] = exp_lane(-exponent_[at]);
                costly_kernel_[at] = kernel_[at] * cost_[at];
            }
        }
    }

    // Maps with rows of zeros above and below, so that a tile of rows needs no bounds.
    struct Scratch {
        explicit Scratch(const Grid& grid)
            : before(grid.stride * kRowsPerTile),
              values(grid.size() + 3 * before, 0.0),
              weighted(grid.size() + 3 * before, 0.0) {}
        int64_t before;
        std::vector<double> values, weighted;
    };

    void negative_log_sum(const double* exponents, double* out, Scratch& scratch) const {
        const double shift = largest(exponents, grid_.size());
        double* values = scratch.values.data() + scratch.before;
        exponentials(exponents, nullptr, shift, values, nullptr, grid_.size());
        for_rows([&](int64_t begin, int64_t end) {
            accumulate(values, kernel_.data(), begin, out, false);
            for (int64_t r = begin; r < end; ++r) {
                double* sum = out + r * grid_.stride;
                if (smallest(sum, grid_.width) >= kSmallestSum) {
#pragma omp simd
                    for (int64_t c = 0; c < grid_.width; ++c) sum[c] = -(shift + log_lane(sum[c]));
                    continue;
                }
                for (int64_t c = 0; c < grid_.width; ++c)
                    sum[c] = sum[c] >= kSmallestSum ? -(shift + log_lane(sum[c]))
                                                    : pairwise_negative_log_sum(exponents, r, c);
            }
        });
    }

    void weighted_sum(const double* exponents, const double* weights, const double* scale, bool with_cost, double* out,
                      Scratch& scratch) const {
        const double shift = largest(exponents, grid_.size());
        double* values = scratch.values.data() + scratch.before;
        double* weighted = scratch.weighted.data() + scratch.before;
        const double most = exponentials(exponents, weights, shift, values, weighted, grid_.size());
        for (int64_t i = 0; weights && i < grid_.size(); ++i) weighted[i] = -weighted[i];
        const double highest = most <= kLargestWeight ? kLargestShift - shift : -kInfinity;
        for_rows([&](int64_t begin, int64_t end) {
            if (with_cost) accumulate(values, costly_kernel_.data(), begin, out, false);
            if (weights) accumulate(weighted, kernel_.data(), begin, out, with_cost);
            for (int64_t r = begin; r < end; ++r) {
                const double* z = scale + r * grid_.stride;
                double* sum = out + r * grid_.stride;
                if (largest(z, grid_.width) <= highest) {
#pragma omp simd
                    for (int64_t c = 0; c < grid_.width; ++c) sum[c] = bounded(sum[c] * exp_lane(z[c] + shift));
                    continue;
                }
                for (int64_t c = 0; c < grid_.width; ++c)
                    sum[c] = z[c] <= highest ? bounded(sum[c] * exp_lane(z[c] + shift))
                                             : pairwise_weighted_sum(exponents, weights, z[c], with_cost, r, c);
            }
        });
    }

 private:
    static constexpr int kVectors = 4;

    // Calls body(begin, end) for every kRowsPerTile rows.
    template <typename Body>
    void for_rows(const Body& body) const {
        const int64_t tiles = (grid_.height + kRowsPerTile - 1) / kRowsPerTile;
        const int64_t terms = kRowsPerTile * grid_.stride * grid_.size();
        at::parallel_for(0, tiles, std::max<int64_t>(1, kTermsPerTask / terms), [&](int64_t begin, int64_t end) {
            const FlushDenormals flush;
            for (int64_t t = begin; t < end; ++t)
                body(t * kRowsPerTile, std::min((t + 1) * kRowsPerTile, grid_.height));
        });
    }

    // out (+)= sum over all pixels of values * table, for kRowsPerTile rows of out from the given one on.
    void accumulate(const double* values, const double* table, int64_t row, double* out, bool add) const {
        int64_t c = 0;
        for (; c + kVectors * kLanes <= grid_.stride; c += kVectors * kLanes)
            accumulate_tile<kVectors>(values, table, row, c, out, add);
        for (; c < grid_.stride; c += kLanes) accumulate_tile<1>(values, table, row, c, out, add);
    }

    template <int V>
    void accumulate_tile(const double* values, const double* table, int64_t row, int64_t column, double* out,
                         bool add) const {
        constexpr int R = kRowsPerTile;
        const int64_t rows = std::min<int64_t>(R, grid_.height - row);
        out += row * grid_.stride + column;
        Vec sum[R][V];
        for (int r = 0; r < R; ++r)
            for (int v = 0; v < V; ++v) sum[r][v] = add && r < rows ? load(out + r * grid_.stride + v * kLanes) : Vec{};
        // Rows that lie the same distance apart share a row of the table, which is loaded once for all R of them.
        for (int64_t d = -(row + R - 1); d < grid_.height - row; ++d) {
            const double* kernel = table + std::abs(d) * stride_ + reach_ + column;
            const double* source = values + (row + d) * grid_.stride;
            for (int64_t k = 0; k < grid_.width; ++k) {
                double left[R];
                for (int r = 0; r < R; ++r) left[r] = source[r * grid_.stride + k];
                for (int v = 0; v < V; ++v) {
                    const Vec right = load_once(kernel - k + v * kLanes);
                    for (int r = 0; r < R; ++r) sum[r][v] += left[r] * right;
                }
            }
        }
        for (int r = 0; r < R; ++r)
            for (int v = 0; v < V; ++v)
                if (r < rows) store(out + r * grid_.stride + v * kLanes, sum[r][v]);
    }

    double largest_exponent(const double* exponents, int64_t row, int64_t column) const {
        double most = no_terms<double>();
        for (int64_t r = 0; r < grid_.height; ++r) {
            const double* y = exponents + r * grid_.stride;
            const double* far = exponent_.data() + std::abs(r - row) * stride_ + reach_ - column;
#pragma omp simd reduction(max : most)
            for (int64_t c = 0; c < grid_.width; ++c) most = y[c] - far[c] > most ? y[c] - far[c] : most;
        }
        return most;
    }

    double pairwise_negative_log_sum(const double* exponents, int64_t row, int64_t column) const {
        const double most = largest_exponent(exponents, row, column);
        double sum = 0;
        for (int64_t r = 0; r < grid_.height; ++r) {
            const double* y = exponents + r * grid_.stride;
            const double* far = exponent_.data() + std::abs(r - row) * stride_ + reach_ - column;
#pragma omp simd reduction(+ : sum)
            for (int64_t c = 0; c < grid_.width; ++c) sum += exp_lane(y[c] - far[c] - most);
        }
        return -(most + log_lane(sum));
    }

    double pairwise_weighted_sum(const double* exponents, const double* weights, double scale, bool with_cost,
                                 int64_t row, int64_t column) const {
        const double most = largest_exponent(exponents, row, column);
        const double factor = with_cost ? 1.0 : 0.0;
        double sum = 0;
        for (int64_t r = 0; r < grid_.height; ++r) {
            const double* y = exponents + r * grid_.stride;
            const double* w = weights ? weights + r * grid_.stride : nullptr;
            const double* far = exponent_.data() + std::abs(r - row) * stride_ + reach_ - column;
            const double* cost = cost_.data() + std::abs(r - row) * stride_ + reach_ - column;
#pragma omp simd reduction(+ : sum)
            for (int64_t c = 0; c < grid_.width; ++c) {
                const double weight = w ? w[c] : 0.0;
                sum += exp_lane(y[c] - far[c] - most) * (factor * cost[c] - weight);
            }
        }
        return bounded(bounded(sum) * exp_lane(most + scale));
    }

    Grid grid_;
    int64_t reach_, stride_;  // a table's row runs from -reach_ to stride_ - reach_ - 1 columns
    std::vector<double> cost_, exponent_, kernel_, costly_kernel_;
};

// One image's normalised mass in a padded grid: its sum as given, mu and log mu.
struct Mass {
    explicit Mass(const Grid& grid) : values(grid.size(), 0.0), logs(grid.size(), -kInfinity) {}

    template <typename T>
    void assign(const T* mass, const Grid& grid) {
        const int64_t pixels = grid.height * grid.width;
        total = 0;
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int64_t i = 0; i < pixels; ++i) sum += static_cast<double>(mass[i]);
        total = sum;
        for (int64_t r = 0; r < grid.height; ++r) {
            const T* row = mass + r * grid.width;
            double *value = values.data() + r * grid.stride, *log = logs.data() + r * grid.stride;
#pragma omp simd
            for (int64_t c = 0; c < grid.width; ++c) {
                value[c] = static_cast<double>(row[c]) / sum;
                log[c] = log_lane(value[c]);
            }
        }
    }

    double total = 0;
    std::vector<double> values, logs;
};

void add(const double* a, const double* b, double* out, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) out[i] = a[i] + b[i];
}

void copy_rows(const double* from, int64_t from_stride, double* to, int64_t to_stride, const Grid& grid) {
    for (int64_t r = 0; r < grid.height; ++r) std::copy_n(from + r * from_stride, grid.width, to + r * to_stride);
}

double dot(const double* a, const double* b, int64_t count) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
    return sum;
}

template <typename T>
T narrowed(double value) {
    return static_cast<T>(std::clamp(value, -static_cast<double>(std::numeric_limits<T>::max()),
                                     static_cast<double>(std::numeric_limits<T>::max())));
}

Grid grid_of(const SinkhornShape& shape) {
    return {shape.height, shape.width, (shape.width + kLanes - 1) / kLanes * kLanes};
}

template <typename T, typename Sums>
void forward(const T* mass_x, const T* mass_y, T* cost, double* potentials, const SinkhornShape& shape) {
    const Grid grid = grid_of(shape);
    const int64_t size = grid.size(), pixels = grid.height * grid.width;
    const Sums sums(grid, shape.epsilon);
    at::parallel_for(0, shape.batch, 1, [&](int64_t begin, int64_t end) {
        const FlushDenormals flush;
        typename Sums::Scratch scratch(grid);
        Mass mu(grid), nu(grid);
        std::vector<double> x(size), y(size), potential(size, 0.0), arriving(size, 0.0);
        for (int64_t b = begin; b < end; ++b) {
            mu.assign(mass_x + b * pixels, grid);
            nu.assign(mass_y + b * pixels, grid);
            std::fill(y.begin(), y.end(), -kInfinity);
            for (int64_t r = 0; r < grid.height; ++r) std::fill_n(y.data() + r * grid.stride, grid.width, 0.0);
            double* saved = potentials + b * 2 * shape.iterations * pixels;
            for (int64_t k = 0; k < shape.iterations; ++k, saved += 2 * pixels) {
                sums.negative_log_sum(y.data(), potential.data(), scratch);
                copy_rows(potential.data(), grid.stride, saved, grid.width, grid);
                add(mu.logs.data(), potential.data(), x.data(), size);
                sums.negative_log_sum(x.data(), potential.data(), scratch);
                copy_rows(potential.data(), grid.stride, saved + pixels, grid.width, grid);
                add(nu.logs.data(), potential.data(), y.data(), size);
            }
            // The mean cost of what arrives at each pixel.
            sums.weighted_sum(x.data(), nullptr, potential.data(), true, arriving.data(), scratch);
            cost[b] = static_cast<T>(dot(nu.values.data(), arriving.data(), size));
        }
    });
}

// Adding a constant to X^k or to Y^k changes no cost (but for the last Y), so the derivatives by them sum to zero.
// Holding them to it keeps rounding errors from growing from one iteration to the next where concentrated masses leave
// little else.
void center(const Mass& mass, std::vector<double>& derivative) {
    const int64_t size = static_cast<int64_t>(derivative.size());
    const double mean = dot(mass.values.data(), derivative.data(), size);
    for (int64_t i = 0; i < size; ++i) derivative[i] -= mean;
}

// The gradient by a mass as given, from that by the normalised one.
template <typename T>
void finish(T grad, const Mass& mass, const std::vector<double>& by_normalised, T* out, const Grid& grid) {
    const double mean = dot(mass.values.data(), by_normalised.data(), grid.size());
    const double scale = static_cast<double>(grad) / mass.total;
    for (int64_t r = 0; r < grid.height; ++r)
        for (int64_t c = 0; c < grid.width; ++c)
            out[r * grid.width + c] = narrowed<T>(scale * (by_normalised[r * grid.stride + c] - mean));
}

// xi and eta are derivatives of the cost by mu and nu where these enter X^k and Y^k: by X^k itself it is mu * xi.
// Written so, nothing is divided by a mass. From the last iteration backwards,
//     eta^K_j = exp(Q^K_j) sum_i exp(X^K_i - C_ij / epsilon) C_ij,
//     xi^K_i  = exp(P^K_i) sum_j exp(Y^K_j - C_ij / epsilon) (C_ij - eta^K_j),
//     eta^k_j = -exp(Q^k_j) sum_i exp(X^{k+1}_i - C_ij / epsilon) xi^{k+1}_i,
//     xi^k_i  = -exp(P^k_i) sum_j exp(Y^k_j - C_ij / epsilon) eta^k_j,
// and the gradients by mu and nu are the sums over k of xi and eta.
template <typename T, typename Sums>
void backward(const T* grad, const T* mass_x, const T* mass_y, const double* potentials, T* grad_x, T* grad_y,
              const SinkhornShape& shape) {
    const Grid grid = grid_of(shape);
    const int64_t size = grid.size(), pixels = grid.height * grid.width;
    const Sums sums(grid, shape.epsilon);
    at::parallel_for(0, shape.batch, 1, [&](int64_t begin, int64_t end) {
        const FlushDenormals flush;
        typename Sums::Scratch scratch(grid);
        Mass mu(grid), nu(grid);
        std::vector<double> x(size), y(size), p(size, -kInfinity), q(size, -kInfinity), xi(size, 0.0), eta(size, 0.0);
        std::vector<double> by_mu(size), by_nu(size);
        for (int64_t b = begin; b < end; ++b) {
            mu.assign(mass_x + b * pixels, grid);
            nu.assign(mass_y + b * pixels, grid);
            const double* saved = potentials + (b + 1) * 2 * shape.iterations * pixels;
            copy_rows(saved - 2 * pixels, grid.width, p.data(), grid.stride, grid);
            add(mu.logs.data(), p.data(), x.data(), size);
            for (int64_t k = shape.iterations; k > 0; --k) {
                const bool last = k == shape.iterations;
                saved -= 2 * pixels;
                copy_rows(saved + pixels, grid.width, q.data(), grid.stride, grid);
                // x is still that of the iteration after this one, except in the last.
                sums.weighted_sum(x.data(), last ? nullptr : xi.data(), q.data(), last, eta.data(), scratch);
                copy_rows(saved, grid.width, p.data(), grid.stride, grid);
                add(mu.logs.data(), p.data(), x.data(), size);
                add(nu.logs.data(), q.data(), y.data(), size);
                if (!last) center(nu, eta);
                sums.weighted_sum(y.data(), eta.data(), p.data(), last, xi.data(), scratch);
                center(mu, xi);
                for (int64_t i = 0; i < size; ++i) {
                    by_mu[i] = last ? xi[i] : bounded(by_mu[i] + xi[i]);
                    by_nu[i] = last ? eta[i] : bounded(by_nu[i] + eta[i]);
                }
            }
            finish(grad[b], mu, by_mu, grad_x + b * pixels, grid);
            finish(grad[b], nu, by_nu, grad_y + b * pixels, grid);
        }
    });
}

}  // namespace

template <typename T>
int64_t first_invalid_mass(const T* mass, int64_t batch, int64_t pixels) {
    for (int64_t b = 0; b < batch; ++b) {
        T least = 0;
        double sum = 0;
#pragma omp simd reduction(min : least) reduction(+ : sum)
        for (int64_t i = 0; i < pixels; ++i) {
            const T value = mass[b * pixels + i];
            least = value < least ? value : least;
            sum += static_cast<double>(value);
        }
        // NaN and infinity make the sum so.
        if (!(least >= 0 && sum > 0 && sum < kInfinity)) return b;
    }
    return -1;
}

template <typename T>
void sinkhorn(const T* mass_x, const T* mass_y, T* cost, double* potentials, const SinkhornShape& shape) {
    if (shape.cost == TransportCost::kEuclidean) {
        forward<T, DenseSums>(mass_x, mass_y, cost, potentials, shape);
    } else {
        forward<T, SeparableSums>(mass_x, mass_y, cost, potentials, shape);
    }
}

template <typename T>
void sinkhorn_backward(const T* grad, const T* mass_x, const T* mass_y, const double* potentials, T* grad_x, T* grad_y,
                       const SinkhornShape& shape) {
    if (shape.cost == TransportCost::kEuclidean) {
        backward<T, DenseSums>(grad, mass_x, mass_y, potentials, grad_x, grad_y, shape);
    } else {
        backward<T, SeparableSums>(grad, mass_x, mass_y, potentials, grad_x, grad_y, shape);
    }
}

template int64_t first_invalid_mass<float>(const float*, int64_t, int64_t);
template int64_t first_invalid_mass<double>(const double*, int64_t, int64_t);
template void sinkhorn<float>(const float*, const float*, float*, double*, const SinkhornShape&);
template void sinkhorn<double>(const double*, const double*, double*, double*, const SinkhornShape&);
template void sinkhorn_backward<float>(const float*, const float*, const float*, const double*, float*, float*,
                                       const SinkhornShape&);
template void sinkhorn_backward<double>(const double*, const double*, const double*, const double*, double*, double*,
                                        const SinkhornShape&);

}  // namespace neuralpaint::cpu
