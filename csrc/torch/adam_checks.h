// What the kernels of projected_adam_ need so as not to crash; full checks with kind messages are the Python wrapper's.
#pragma once

#include "common/projected_adam.h"
#include "torch/tensors.h"

namespace neuralpaint {

// The tensors that projected_adam_ reads, contiguous, and those that it changes.
struct AdamTensors {
    Tensor parameters, values, points, mean, square, age;
    Tensor gradient, rate, corrections, scale, low, high, moves;

    void check(int64_t wraps) const {
        NP_CHECK(parameters.dim() == 2, "parameters must be [N, P], got ", shape_text(parameters));
        const int64_t rows = parameters.size(0), columns = parameters.size(1);
        changes("parameters", parameters, parameters);
        changes("values", values, parameters);
        changes("points", points, parameters);
        changes("mean", mean, parameters);
        changes("square", square, parameters);
        fits("gradient", gradient, parameters);
        fits("scale", scale, parameters);
        fits("low", low, parameters);
        fits("high", high, parameters);
        kind("age", age);
        NP_CHECK(age.dim() == 2 && age.size(0) == rows && age.size(1) == 1 && age.is_contiguous(),
                 "age must be [N, 1] and contiguous, got ", shape_text(age));
        kind("moves", moves);
        NP_CHECK(moves.dim() == 2 && moves.size(0) == rows && (moves.size(1) == columns || moves.size(1) == 0),
                 "moves must be [N, P], or [N, 0] for none, got ", shape_text(moves));
        kind("rate", rate);
        NP_CHECK(rate.dim() == 0, "rate must be a number, got ", shape_text(rate));
        kind("corrections", corrections);
        NP_CHECK(corrections.dim() == 1 && corrections.size(0) > 0, "corrections must be [K] with K > 0, got ",
                 shape_text(corrections));
        NP_CHECK(rows <= (int64_t(1) << 31) - 1 && columns <= (int64_t(1) << 31) - 1,
                 "too many parameters for one call: ", shape_text(parameters));
        NP_CHECK(-1 <= wraps && wraps < std::max<int64_t>(columns, 1), "wraps must be a column, or -1 for none, got ",
                 wraps);
    }

    template <typename T>
    ProjectedAdam<T> arguments(int64_t wraps, double first, double second, double epsilon, double divisor) const {
        ProjectedAdam<T> adam{};
        adam.rows = parameters.size(0);
        adam.columns = parameters.size(1);
        adam.ages = corrections.size(0);
        adam.wraps = wraps;
        adam.first = static_cast<T>(first);
        adam.second = static_cast<T>(second);
        adam.one_less_first = static_cast<T>(1 - first);
        adam.one_less_second = static_cast<T>(1 - second);
        adam.epsilon = static_cast<T>(epsilon);
        adam.divisor = static_cast<T>(divisor);
        adam.gradient = data<T>(gradient);
        adam.scale = data<T>(scale);
        adam.low = data<T>(low);
        adam.high = data<T>(high);
        adam.moves = moves.size(1) == 0 ? nullptr : data<T>(moves);
        adam.rate = data<T>(rate);
        adam.corrections = data<T>(corrections);
        adam.parameters = mutable_data<T>(parameters);
        adam.values = mutable_data<T>(values);
        adam.points = mutable_data<T>(points);
        adam.mean = mutable_data<T>(mean);
        adam.square = mutable_data<T>(square);
        adam.age = mutable_data<T>(age);
        return adam;
    }

 private:
    void kind(const char* name, const Tensor& tensor) const {
        NP_CHECK(tensor.scalar_type() == parameters.scalar_type() && tensor.device() == parameters.device(), name,
                 " must have the dtype and device of parameters");
    }
    void fits(const char* name, const Tensor& tensor, const Tensor& like) const {
        kind(name, tensor);
        NP_CHECK(same_shape(tensor, like), name, " must have the shape of parameters, ", shape_text(like), ", got ",
                 shape_text(tensor));
    }
    void changes(const char* name, const Tensor& tensor, const Tensor& like) const {
        fits(name, tensor, like);
        NP_CHECK(tensor.is_contiguous(), name, " must be contiguous");
    }
};

inline void check_adam_settings(double first, double second, double epsilon, double divisor, ScalarType type) {
    NP_CHECK(first >= 0 && first < 1, "first must be from 0 to below 1, got ", first);
    NP_CHECK(second >= 0 && second < 1, "second must be from 0 to below 1, got ", second);
    check_positive("epsilon", epsilon, type);
    check_positive("divisor", divisor, type);
}

}  // namespace neuralpaint
