#pragma once

#include <string>
#include <string_view>

#include "traffic/request_texts.hpp"

namespace tidelimit::traffic {

/// A copy of a request whose texts live on, in a text beside it. Can be filled anew, in the same
/// memory.
class KeptRequest {
 public:
  KeptRequest() = default;
  explicit KeptRequest(const Request& request) { keep(request); }
  KeptRequest(const KeptRequest& other) { keep(other.request_); }
  KeptRequest& operator=(const KeptRequest& other) {
    if (this != &other) keep(other.request_);
    return *this;
  }

  void keep(const Request& request) {
    request_ = request;
    const auto texts = texts_of(request_);
    text_.clear();
    for (const std::string_view* text : texts) text_ += *text;
    std::size_t at = 0;
    for (std::string_view* text : texts) {
      *text = std::string_view(text_).substr(at, text->size());
      at += text->size();
    }
  }

  /// Its views hold as long as this does, and until the next keep().
  [[nodiscard]] const Request& request() const { return request_; }
  [[nodiscard]] std::size_t text_bytes() const { return text_.size(); }

 private:
  Request request_;
  std::string text_;
};

}  // namespace tidelimit::traffic
