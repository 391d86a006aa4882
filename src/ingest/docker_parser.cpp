#include "ingest/docker_parser.hpp"

#include <string>
#include <utility>

#include "ingest/lenient_json.hpp"
#include "ingest/line_reader.hpp"

namespace tidelimit::ingest {

struct DockerParser::State {
  LenientJson json;
  std::string scratch;
  std::string line;  ///< with padding behind it
};

DockerParser::DockerParser(std::unique_ptr<LineParser> lines)
    : lines_(std::move(lines)), state_(std::make_unique<State>()) {}
DockerParser::~DockerParser() = default;

bool DockerParser::wraps(std::string_view line) {
  constexpr std::string_view kBegin = "{\"log\":";
  if (!line.starts_with(kBegin)) return false;
  line.remove_prefix(kBegin.size());
  if (line.starts_with(' ')) line.remove_prefix(1);
  return line.starts_with('"');
}

Unreadable DockerParser::parse(std::string_view line, traffic::Request& out) {
  std::string_view log;
  if (state_->json.parse(line)["log"].get(log) != simdjson::SUCCESS) return Unreadable::bad_json;
  log = state_->json.text(log, state_->scratch);
  while (log.ends_with('\n') || log.ends_with('\r')) log.remove_suffix(1);
  state_->line.assign(log);
  state_->line.reserve(log.size() + kLinePadding);
  return lines_->parse({state_->line.data(), log.size()}, out);
}

}  // namespace tidelimit::ingest
