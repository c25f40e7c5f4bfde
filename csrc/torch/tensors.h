// Tensors as the operators see them. Everything here stays within LibTorch's stable ABI (torch/csrc/stable), so that
// one build serves every torch from the oldest supported one on.
#pragma once

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <algorithm>
#include <cfloat>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>

namespace neuralpaint {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;
using Sizes = torch::headeronly::IntHeaderOnlyArrayRef;

// A message from its parts.
template <typename... Parts>
std::string text(const Parts&... parts) {
    std::ostringstream out;
    (out << ... << parts);
    return out.str();
}

// Python sees a RuntimeError, and a ValueError, with just this message.
#define NP_CHECK(condition, ...) \
    if (!(condition)) throw std::runtime_error(::neuralpaint::text(__VA_ARGS__))
#define NP_CHECK_VALUE(condition, ...) \
    if (!(condition)) throw std::invalid_argument(::neuralpaint::text(__VA_ARGS__))

// Such as [2, 3, 64, 64].
inline std::string shape_text(const Tensor& tensor) {
    std::string shape = "[";
    for (const int64_t size : tensor.sizes()) shape += (shape.size() > 1 ? ", " : "") + std::to_string(size);
    return shape + "]";
}

// Such as cpu or cuda:0.
inline std::string device_text(const Tensor& tensor) {
    if (tensor.is_cpu()) return "cpu";
    return (tensor.is_cuda() ? "cuda:" : "device ") + std::to_string(tensor.get_device_index());
}

inline const char* dtype_text(ScalarType type) { return torch::headeronly::toString(type); }

inline bool same_shape(const Tensor& a, const Tensor& b) {
    const auto x = a.sizes(), y = b.sizes();  // torch 2.10 cannot compare them
    return std::equal(x.begin(), x.end(), y.begin(), y.end());
}

inline Tensor to_contiguous(const Tensor& tensor) {
    return tensor.is_contiguous() ? tensor : torch::stable::contiguous(tensor);
}

inline Tensor to_contiguous(const Tensor& tensor, ScalarType type) {
    return to_contiguous(tensor.scalar_type() == type ? tensor : torch::stable::to(tensor, type));
}

// Not initialised, on the device of `like`.
inline Tensor make_empty(const Tensor& like, std::initializer_list<int64_t> sizes, ScalarType type) {
    return torch::stable::new_empty(like, Sizes(sizes.begin(), sizes.size()), type);
}

inline Tensor make_empty(const Tensor& like) {
    return torch::stable::new_empty(like, like.sizes(), like.scalar_type());
}

constexpr int64_t kMostSide = int64_t(1) << 30;

// Sides of a picture that fit an int, also where a batch of none needs no memory.
inline void check_sides(const char* name, int64_t height, int64_t width) {
    NP_CHECK(height <= kMostSide && width <= kMostSide, name, " must have sides of at most ", kMostSide, ", got ",
             height, " x ", width);
}

// A number above 0 that `type`, float32 or float64, holds to its full precision. For any other type it is the op's own
// check that says so.
inline void check_positive(const char* name, double value, ScalarType type) {
    const bool wide = type == ScalarType::Double;
    const double least = wide ? DBL_MIN : FLT_MIN, most = wide ? DBL_MAX : FLT_MAX;
    NP_CHECK(value >= least && value <= most, name, " must be from ", least, " to ", most, " for ", dtype_text(type),
             ", got ", value);
}

// A number of at least 0 that stays finite as `type`.
inline void check_weight(const char* name, double value, ScalarType type) {
    NP_CHECK(value >= 0 && value <= (type == ScalarType::Double ? DBL_MAX : FLT_MAX), name, " must be finite for ",
             dtype_text(type), ", and at least 0, got ", value);
}

// The caller has checked that the dtype is T's.
template <typename T>
const T* data(const Tensor& tensor) {
    return static_cast<const T*>(tensor.const_data_ptr());
}
template <typename T>
T* mutable_data(const Tensor& tensor) {
    return static_cast<T*>(tensor.mutable_data_ptr());
}

template <typename T>
struct TypeTag {
    using type = T;
};

// Calls f(TypeTag<float>) or f(TypeTag<double>).
template <typename F>
void with_floating_type(const char* op, ScalarType type, F&& f) {
    NP_CHECK(type == ScalarType::Float || type == ScalarType::Double, op, " takes float32 or float64, got ",
             dtype_text(type));
    if (type == ScalarType::Float) return f(TypeTag<float>{});
    return f(TypeTag<double>{});
}

}  // namespace neuralpaint
