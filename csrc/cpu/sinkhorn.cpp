#include "cpu/sinkhorn.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "common/logsumexp.h"
#include "cpu/parallel.h"
#include "cpu/sinkhorn_arithmetic.h"
#include "cpu/sinkhorn_dense.h"
#include "cpu/sinkhorn_separable.h"

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

using namespace transport;

// One image's normalised mass in a padded grid: its sum as given, mu and log mu.
struct Mass {
    explicit Mass(const Grid& grid) : values(grid.size(), 0.0), logs(grid.size(), -kInfinity) {}

    template <typename T>
    void assign(const T* mass, const Grid& grid) {
        const KeepDenormals keep;  // a mass may consist of them
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
    return {shape.height, shape.width, (shape.width + kWidth - 1) / kWidth * kWidth};
}

template <typename T, typename Sums>
void forward(const T* mass_x, const T* mass_y, T* cost, double* potentials, const SinkhornShape& shape) {
    const Grid grid = grid_of(shape);
    const int64_t size = grid.size(), pixels = grid.height * grid.width;
    const Sums sums(grid, shape.epsilon);
    parallel_for(0, shape.batch, 1, [&](int64_t begin, int64_t end) {
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

// Finite where the mass is so small that the quotient would not be.
double quotient(double grad, double total) {
    const KeepDenormals keep;
    const double most = std::numeric_limits<double>::max();
    return std::isfinite(grad) ? std::clamp(grad / total, -most, most) : grad / total;
}

// The gradient by a mass as given, from that by the normalised one.
template <typename T>
void finish(T grad, const Mass& mass, const std::vector<double>& by_normalised, T* out, const Grid& grid) {
    const double mean = dot(mass.values.data(), by_normalised.data(), grid.size());
    const double scale = quotient(static_cast<double>(grad), mass.total);
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
    parallel_for(0, shape.batch, 1, [&](int64_t begin, int64_t end) {
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
        int negative = 0;
        double sum = 0;
#pragma omp simd reduction(| : negative) reduction(+ : sum)
        for (int64_t i = 0; i < pixels; ++i) {
            const T value = mass[b * pixels + i];
            negative |= value < 0;
            sum += static_cast<double>(value);
        }
        // NaN and infinity make the sum so.
        if (negative || !(sum > 0 && sum < kInfinity)) return b;
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
