#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "traffic/request.hpp"

namespace tidelimit::engine {

/// A group of requests read ahead of their decision, so that the memory each will touch can be
/// fetched while earlier ones are decided. Holds copies: what a reader lends ends with its next
/// record. One thread.
class Lookahead {
 public:
  static constexpr std::size_t kGroup = 32;

  Lookahead() = default;
  Lookahead(const Lookahead&) = delete;  // the requests look into the texts beside them
  Lookahead& operator=(const Lookahead&) = delete;

  /// Takes the next group; false when there is none. bool next(traffic::Request&); it is not asked
  /// again once it had no more.
  template <class Next>
  bool fill(Next&& next) {
    traffic::Request request;
    size_ = 0;
    while (!ended_ && size_ < kGroup) {
      ended_ = !next(request);
      if (!ended_) keep(request);
    }
    return size_ != 0;
  }

  [[nodiscard]] std::span<const traffic::Request> requests() const {
    return {requests_.data(), size_};
  }

 private:
  void keep(const traffic::Request& request) {
    std::string& text = texts_[size_];
    traffic::Request& copy = requests_[size_++];
    copy = request;
    const std::array views{&copy.client_name, &copy.user_id, &copy.tier,
                           &copy.method,      &copy.path,    &copy.user_agent};
    text.clear();
    for (const std::string_view* view : views) text += *view;
    std::size_t at = 0;
    for (std::string_view* view : views) {
      *view = std::string_view(text).substr(at, view->size());
      at += view->size();
    }
  }

  std::size_t size_ = 0;
  bool ended_ = false;
  std::array<traffic::Request, kGroup> requests_;
  std::array<std::string, kGroup> texts_;
};

}  // namespace tidelimit::engine
