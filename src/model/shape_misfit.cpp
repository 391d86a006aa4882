#include "model/shape_misfit.hpp"

#include <fmt/format.h>

#include "forecast/model.hpp"

namespace tidelimit::model {

std::string format_shape(const forecast::Shape& shape) {
  return fmt::format("window {}, history {}, horizon {}", format_duration(shape.window),
                     format_duration(shape.history), format_duration(shape.horizon));
}

std::string shape_misfit(const Bundle& bundle, const forecast::Shape& of_gate) {
  if (bundle.forecast == nullptr || bundle.forecast->shape == of_gate) return {};
  return fmt::format("it is for {}, the gate forecasts with {}",
                     format_shape(bundle.forecast->shape), format_shape(of_gate));
}

std::string shape_refusal(const Bundle& fresh, const Bundle* running,
                          const forecast::Shape& of_gate) {
  const bool runs_well =
      running != nullptr && running->forecast != nullptr && shape_misfit(*running, of_gate).empty();
  return runs_well ? shape_misfit(fresh, of_gate) : "";
}

}  // namespace tidelimit::model
