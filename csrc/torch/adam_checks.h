// What the kernels of projected_adam_ need so as not to crash; full checks with kind messages are the Python wrapper's.
#pragma once

#include "common/projected_adam.h"
#include "torch/tensors.h"

namespace neuralpaint {

// The numbers of projected_adam_.
struct AdamSettings {
    int64_t wraps;
    double first, second, epsilon, divisor, extra_factor, across, down, strength;
    int64_t start, end, size, sizes;
};

// The tensors that projected_adam_ reads, contiguous, and those that it changes.
struct AdamTensors {
    Tensor parameters, values, points, mean, square, age;
    Tensor gradient, rate, corrections, scale, low, high, moves, extra, field;

    void check(const AdamSettings& settings) const {
        check_tensors(settings.wraps);
        check_extra();
        check_pull(settings);
        NP_CHECK(settings.first >= 0 && settings.first < 1, "first must be from 0 to below 1, got ", settings.first);
        NP_CHECK(settings.second >= 0 && settings.second < 1, "second must be from 0 to below 1, got ",
                 settings.second);
        check_positive("epsilon", settings.epsilon, parameters.scalar_type());
        check_positive("divisor", settings.divisor, parameters.scalar_type());
        check_weight("extra_factor", settings.extra_factor, parameters.scalar_type());
    }

    template <typename T>
    ProjectedAdam<T> arguments(const AdamSettings& settings) const {
        ProjectedAdam<T> adam{};
        adam.rows = parameters.size(0);
        adam.columns = parameters.size(1);
        adam.ages = corrections.size(0);
        adam.wraps = settings.wraps;
        adam.first = static_cast<T>(settings.first);
        adam.second = static_cast<T>(settings.second);
        adam.one_less_first = static_cast<T>(1 - settings.first);
        adam.one_less_second = static_cast<T>(1 - settings.second);
        adam.epsilon = static_cast<T>(settings.epsilon);
        adam.divisor = static_cast<T>(settings.divisor);
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
        adam.extra = data<T>(extra);
        adam.extra_rows = extra.size(0);
        adam.extra_factor = static_cast<T>(settings.extra_factor);
        adam.pull.field = pulls() ? data<T>(field) : nullptr;
        adam.pull.height = field.size(1);
        adam.pull.width = field.size(2);
        adam.pull.across = static_cast<T>(settings.across);
        adam.pull.down = static_cast<T>(settings.down);
        adam.pull.strength = static_cast<T>(settings.strength);
        adam.pull.start = settings.start;
        adam.pull.end = settings.end;
        adam.pull.size = settings.size;
        adam.pull.sizes = settings.sizes;
        return adam;
    }

 private:
    void check_tensors(int64_t wraps) const {
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
    bool pulls() const { return field.size(1) * field.size(2) > 0; }
    void check_extra() const {
        kind("extra", extra);
        NP_CHECK(extra.dim() == 2 && extra.size(0) <= parameters.size(0) && extra.size(1) == parameters.size(1),
                 "extra must be [M, P] with M <= N, got ", shape_text(extra));
    }
    void check_pull(const AdamSettings& settings) const {
        kind("field", field);
        NP_CHECK(field.dim() == 3 && field.size(0) == 2, "field must be [2, h, w], or [2, 0, 0] for none, got ",
                 shape_text(field));
        if (!pulls()) return;
        check_positive("across", settings.across, parameters.scalar_type());
        check_positive("down", settings.down, parameters.scalar_type());
        check_weight("strength", settings.strength, parameters.scalar_type());
        const int64_t columns = parameters.size(1), start = settings.start, end = settings.end;
        const int64_t pair = start < 0 ? 0 : 1;  // the columns after `start` and `end` that are theirs, too
        NP_CHECK(-1 <= start && start < columns - pair && 0 <= end && end < columns - pair && columns >= 2,
                 "start and end must be columns, got ", start, " and ", end);
        NP_CHECK((settings.sizes == 1 && start >= 0) || settings.sizes == 2, "sizes must be 1 or 2, of a box 2, got ",
                 settings.sizes);
        NP_CHECK(0 <= settings.size && settings.size < columns && settings.size + settings.sizes <= columns,
                 "size must be a column, got ", settings.size);
    }
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

// The operator, whose step is that of a back end: Step::run(tensors, settings) with what is checked.
template <typename Step>
void projected_adam(const Tensor& parameters, const Tensor& values, const Tensor& points, const Tensor& mean,
                    const Tensor& square, const Tensor& age, const Tensor& gradient, const Tensor& rate,
                    const Tensor& corrections, const Tensor& scale, const Tensor& low, const Tensor& high,
                    const Tensor& moves, int64_t wraps, double first, double second, double epsilon, double divisor,
                    const Tensor& extra, double extra_factor, const Tensor& field, double across, double down,
                    double strength, int64_t start, int64_t end, int64_t size, int64_t sizes) {
    const AdamTensors tensors{parameters,
                              values,
                              points,
                              mean,
                              square,
                              age,
                              to_contiguous(gradient),
                              rate,
                              to_contiguous(corrections),
                              to_contiguous(scale),
                              to_contiguous(low),
                              to_contiguous(high),
                              to_contiguous(moves),
                              to_contiguous(extra),
                              to_contiguous(field)};
    const AdamSettings settings{wraps, first,    second, epsilon, divisor, extra_factor, across,
                                down,  strength, start,  end,     size,    sizes};
    tensors.check(settings);
    Step::run(tensors, settings);
}

}  // namespace neuralpaint
