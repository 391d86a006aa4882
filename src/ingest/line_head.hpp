#pragma once

#include <cstddef>
#include <string_view>

namespace tidelimit::ingest {

/// How many bytes of `line` a collector of logs wrote in front of a server's own line; 0: none.
/// Known are the heads of syslog (RFC 3164 and 5424, also as rsyslog writes them to files: with or
/// without <PRI>, with a time of either kind), of Kubernetes' container runtimes ("TIME stdout F
/// "), kubectl ("[pod/NAME/CONTAINER] ", "TIME ") and docker compose ("NAME  | ").
[[nodiscard]] std::size_t line_head(std::string_view line);

/// Whether `text` is a time as heads of lines write it, or a month's name: never a client.
[[nodiscard]] bool is_head_time(std::string_view text);

}  // namespace tidelimit::ingest
