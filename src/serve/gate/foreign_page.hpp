#pragma once

#include "serve/http/parser.hpp"

namespace tidelimit::serve {

/// Whether a web page that is not of this gate has had a browser send this: whoever opened it may
/// sit at an address that the gate trusts. A browser says by Origin and Sec-Fetch-Site whose page
/// it is; programs write neither. An Origin is this gate's own where it is the very Host and that
/// is an address or `localhost`: a page may give its own name the gate's address.
[[nodiscard]] bool is_from_foreign_page(const Head& head);

}  // namespace tidelimit::serve
