#pragma once

#include <string>

#include "ingest/read_report.hpp"
#include "ingest/summary.hpp"
#include "ingest/windows_reader.hpp"

namespace tidelimit::cli {

// What `inspect` prints, for people and as JSON; `top` rows of each list.

[[nodiscard]] std::string inspect_text(const ingest::ReadReport& report,
                                       const ingest::Summary& summary, std::size_t top);
[[nodiscard]] std::string inspect_json(const ingest::ReadReport& report,
                                       const ingest::Summary& summary, std::size_t top);
[[nodiscard]] std::string inspect_text(const ingest::ReadReport& report,
                                       const ingest::Windows& windows);
[[nodiscard]] std::string inspect_json(const ingest::ReadReport& report,
                                       const ingest::Windows& windows);

}  // namespace tidelimit::cli
