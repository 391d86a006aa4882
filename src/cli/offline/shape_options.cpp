#include "cli/offline/shape_options.hpp"

#include <utility>

namespace tidelimit::cli {

void ShapeOptions::add_to(Command command) {
  command.add_option("--window", window, "Length of a window, as in 15m").type_name("TIME");
  command.add_option("--history", history, "What a forecast looks back on, as in 24h")
      .type_name("TIME");
  command.add_option("--horizon", horizon, "What a forecast reaches ahead, as in 1h")
      .type_name("TIME");
}

Result<forecast::Shape> ShapeOptions::over(forecast::Shape shape) const {
  const std::pair<const std::string*, std::pair<const char*, Nanos*>> parts[] = {
      {&window, {"--window", &shape.window}},
      {&history, {"--history", &shape.history}},
      {&horizon, {"--horizon", &shape.horizon}}};
  for (const auto& [text, part] : parts) {
    if (text->empty()) continue;
    const auto duration = parse_duration(*text);
    if (!duration) return fail_in(part.first, duration.error());
    *part.second = *duration;
  }
  if (std::chrono::hours{24} % shape.window != Nanos{0}) {
    return fail(Code::invalid_argument, "--window " + format_duration(shape.window) +
                                            " must divide a day, as 1m, 5m, 10m, 15m, 30m, 1h or "
                                            "1d do");
  }
  for (const auto& [name, longer] :
       {std::pair{"--history", shape.history}, std::pair{"--horizon", shape.horizon}}) {
    if (longer >= shape.window && longer % shape.window == Nanos{0}) continue;
    return fail(Code::invalid_argument, std::string(name) + " " + format_duration(longer) +
                                            " must be a multiple of the window, " +
                                            format_duration(shape.window));
  }
  return shape;
}

}  // namespace tidelimit::cli
