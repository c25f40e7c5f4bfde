// Antialiased coverage: the box filter of a pixel over an interval.
#pragma once

#include "common/scalar.h"

namespace neuralpaint {

// The share of a box of width s = 1 / inv_s, centred at distance d >= 0 from the interval's middle, that lies inside
// [-r, r]: max(0, min(d + s/2, r) - max(d - s/2, -r)) / s, written so that it is exactly 1 inside. Exact for intervals
// thinner than a pixel too.
template <typename V, typename T = scalar_t<V>>
NP_HD V overlap(V d, V r, T inv_s) {
    const V edge = (r - d) * V(inv_s) + V(T(0.5)), thin = (r + r) * V(inv_s);
    return vmax(vmin(vmin(edge, thin), V(1)), V(0));
}

// Its derivatives by d and by r; zero where the overlap is zero or full.
template <typename V, typename T = scalar_t<V>>
NP_HD void overlap_grad(V d, V r, T inv_s, V& by_d, V& by_r) {
    const V edge = (r - d) * V(inv_s) + V(T(0.5)), thin = (r + r) * V(inv_s);
    const V value = vmin(edge, thin);
    const V on = select((value > V(0)) & (value < V(1)), V(inv_s), V(0));
    by_d = select(edge < thin, -on, V(0));
    by_r = select(edge < thin, on, on + on);
}

}  // namespace neuralpaint
