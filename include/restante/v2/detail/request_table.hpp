// Requests that wait for their replies, by tag.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include <restante/time.hpp>
#include <restante/v2/packet.hpp>

namespace restante::v2::detail {

/// Gives tags out, and knows when a reply is overdue. `Request` is what is remembered of a request.
template <class Request>
class RequestTable {
 public:
  explicit RequestTable(Duration reply_timeout) : reply_timeout_{reply_timeout} {}

  std::size_t size() const noexcept { return requests_.size(); }

  /// A request is sent now, and its reply may wait for so long.
  Tag add(Request request, SteadyTime now, Duration wait) {
    if (prompt_ == 0 && wait == Duration::zero()) {
      heard_at_ = now;
    }
    do {
      last_tag_ = last_tag_ == tag_max ? 1 : last_tag_ + 1;
    } while (requests_.contains(last_tag_));
    const bool waits = wait != Duration::zero();
    const SteadyTime deadline = waits ? after(after(now, wait), reply_timeout_) : never;
    if (waits) {
      deadlines_.emplace(deadline, last_tag_);
    } else {
      ++prompt_;
    }
    requests_.emplace(last_tag_, Entry{std::move(request), waits, deadline});
    return last_tag_;
  }

  /// Something came: the other side is alive, and what it sends takes its time.
  void heard(SteadyTime now) noexcept { heard_at_ = now; }

  /// nullptr where no request has this tag.
  Request* find(Tag tag) {
    const auto found = requests_.find(tag);
    return found == requests_.end() ? nullptr : &found->second.request;
  }

  /// The request, which must be there, is answered.
  Request take(Tag tag) {
    const auto found = requests_.find(tag);
    Request request = std::move(found->second.request);
    if (found->second.waits) {
      deadlines_.erase({found->second.deadline, tag});
    } else {
      --prompt_;
    }
    requests_.erase(found);
    return request;
  }

  /// Where `Request` is a variant: the request of this kind that has this tag.
  template <class Kind>
  Kind* find_as(Tag tag) {
    Request* const request = find(tag);
    return request == nullptr ? nullptr : std::get_if<Kind>(request);
  }

  /// And answered, where there is one.
  template <class Kind>
  std::optional<Kind> take_as(Tag tag) {
    return find_as<Kind>(tag) == nullptr ? std::nullopt : std::optional{std::get<Kind>(take(tag))};
  }

  /// Any of those that wait, as take() gives it.
  std::optional<Request> take_any() {
    return requests_.empty() ? std::nullopt : std::optional{take(requests_.begin()->first)};
  }

  /// When a reply is overdue, or never: when nothing came for as long as a reply may take, although one is due.
  SteadyTime deadline() const {
    const SteadyTime silent = after(heard_at_, reply_timeout_);
    if (prompt_ != 0) {
      return silent;
    }
    return deadlines_.empty() ? never : std::max(deadlines_.begin()->first, silent);
  }

 private:
  struct Entry {
    Request request;
    bool waits = false;
    SteadyTime deadline = never;
  };

  Duration reply_timeout_;
  std::map<Tag, Entry> requests_;
  std::set<std::pair<SteadyTime, Tag>> deadlines_;
  // How many do not wait.
  std::size_t prompt_ = 0;
  SteadyTime heard_at_ = {};
  Tag last_tag_ = 0;
};

}  // namespace restante::v2::detail
