#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "traffic/request.hpp"

namespace tidelimit::ingest {

/// Sets method and path from the request line of a log ("GET /a?b HTTP/1.1", HTTP/0.9's "GET /a"
/// too). Garbage (TLS greetings, "-", shell code) leaves both empty.
void set_request_line(std::string_view text, traffic::Request& out);

/// Undoes the escapes that servers write into quoted fields: \" \\ \n \r \t \b \v \f and \xNN
/// (Apache, nginx). Others stay. The view is `text` itself where it has no backslash, else points
/// into `scratch`.
[[nodiscard]] std::string_view unescape(std::string_view text, std::string& scratch);

/// Whether the quote at text[at] is escaped by a backslash (which is not itself escaped).
[[nodiscard]] bool is_escaped(std::string_view text, std::size_t at);

/// Empty for "-", which logs write for nothing.
[[nodiscard]] inline std::string_view unless_dash(std::string_view text) {
  return text == "-" ? std::string_view{} : text;
}

/// "192.0.2.1:443" and "[2001:db8::1]:443" without brackets and port; anything else as it is.
[[nodiscard]] std::string_view without_port(std::string_view text);

/// Who sent a request, from the peer's address and the X-Forwarded-For list that a log names; both
/// may be empty. A peer with a public address is believed and the list ignored, since a client can
/// write there what it likes. A private, loopback or unnamed peer is a proxy of one's own: then the
/// last hop of the list that is public, else the last that is not loopback, else the peer.
[[nodiscard]] std::string_view client_text(std::string_view peer, std::string_view forwarded_for);

/// The client that a field of its own names: a client, an address with a port, or the whole
/// X-Forwarded-For list ("198.51.100.3, 10.0.0.1"), of which client_text() says who it is.
[[nodiscard]] std::string_view one_client(std::string_view text);

/// Sets client and client_name. False when the text is empty or can be no client: names are at most
/// 253 bytes of letters, digits and "-._:%", do not end in a colon, and are no time and no month.
[[nodiscard]] bool set_client(std::string_view text, traffic::Request& out);

/// A status of three digits, "200.0" too; 0 for "-", "", "0". nullopt is for everything else.
[[nodiscard]] std::optional<std::uint16_t> parse_status(std::string_view text);

/// Milliseconds as a request keeps them; unknown (NaN) where they are less than nothing, or more
/// than a year: one such line would be the mean of all.
[[nodiscard]] float latency_of(std::optional<double> ms);

/// A duration that names its unit ("250ms", "0.25s", "3us", "90ns") in milliseconds.
[[nodiscard]] std::optional<double> milliseconds_of(std::string_view text);

/// "12,5" is 12.5; nullopt where the comma may set thousands apart ("1,522") or is none.
[[nodiscard]] std::optional<double> decimal_comma(std::string_view text);

}  // namespace tidelimit::ingest
