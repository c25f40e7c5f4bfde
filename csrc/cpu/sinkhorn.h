#pragma once

#include <cstdint>

#include "common/shapes.h"

// Entropic optimal transport between pairs of masses on a pixel grid, by Sinkhorn iterations in the log domain.
//
// With mu, nu the masses normalised to sum 1, C_ij the cost between pixels i and j, and Y^0 = 0, iteration k computes
//     P^k_i = -log sum_j exp(Y^{k-1}_j - C_ij / epsilon),   X^k = log mu + P^k,
//     Q^k_j = -log sum_i exp(X^k_i     - C_ij / epsilon),   Y^k = log nu + Q^k,
// and the cost is sum_ij exp(X_i + Y_j - C_ij / epsilon) C_ij with the last X and Y. P and Q are finite where a mass is
// zero and X or Y is not; that is why they are what the forward pass stores and what the gradient is written in.
namespace neuralpaint::cpu {

// Index of the first image whose mass [height, width] is not finite, non-negative and positive somewhere; -1 if none.
template <typename T>
int64_t first_invalid_mass(const T* mass, int64_t batch, int64_t pixels);

// cost [batch]; potentials [batch, 2 * iterations, height, width], P and Q of each iteration in turn.
template <typename T>
void sinkhorn(const T* mass_x, const T* mass_y, T* cost, double* potentials, const SinkhornShape& shape);

// Gradients [batch, height, width] by the masses as given, not normalised. Where a mass is zero, the one-sided
// derivative; limited to the largest finite value, for far from convergence it can exceed any float.
template <typename T>
void sinkhorn_backward(const T* grad, const T* mass_x, const T* mass_y, const double* potentials, T* grad_x, T* grad_y,
                       const SinkhornShape& shape);

}  // namespace neuralpaint::cpu
