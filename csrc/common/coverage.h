// Antialiased coverage: the box filter of a pixel over an interval.
#pragma once

#include "common/scalar.h"

namespace neuralpaint {

// The share of a box of width s = 2·half_s, centred at distance d >= 0 from the interval's middle, that lies inside
// [-r, r]: max(0, min(d + s/2, r) - max(d - s/2, -r)) / s. Exact for intervals thinner than a pixel too.
template <typename V, typename T = scalar_t<V>>
NP_HD V overlap(V d, V r, T half_s, T inv_s) {
    return vmax(vmin(d + V(half_s), r) - vmax(d - V(half_s), -r), V(0)) * V(inv_s);
}

// Its derivatives by d and by r; zero where the overlap is zero.
template <typename V, typename T = scalar_t<V>>
NP_HD void overlap_grad(V d, V r, T half_s, T inv_s, V& by_d, V& by_r) {
    const V upper_moves = select(d + V(half_s) < r, V(1), V(0));
    const V lower_moves = select(d - V(half_s) > -r, V(1), V(0));
    const V on = select(vmin(d + V(half_s), r) > vmax(d - V(half_s), -r), V(inv_s), V(0));
    by_d = (upper_moves - lower_moves) * on;
    by_r = (V(2) - upper_moves - lower_moves) * on;
}

}  // namespace neuralpaint
