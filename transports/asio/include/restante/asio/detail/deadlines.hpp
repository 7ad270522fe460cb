// Deadlines in the order in which they come, without a heap.
#pragma once

#include <restante/time.hpp>

namespace restante::asio_detail {

class Deadlines;

/// Something that has at most one deadline at a time. Must be off every list before it is destroyed.
class WithDeadline {
 public:
  WithDeadline() = default;
  WithDeadline(const WithDeadline&) = delete;
  WithDeadline& operator=(const WithDeadline&) = delete;

  inline void take_deadline_back() noexcept;
  bool has_deadline_in(const Deadlines& list) const noexcept { return list_ == &list; }

 protected:
  ~WithDeadline() = default;

 private:
  friend class Deadlines;
  Deadlines* list_ = nullptr;
  WithDeadline* previous_ = nullptr;
  WithDeadline* next_ = nullptr;
  SteadyTime due_ = never;
};

/// Deadlines that all lie equally far ahead when they are set: the one set last comes last, so that a list is enough
/// and every operation takes the same short time.
class Deadlines {
 public:
  explicit Deadlines(Duration length) noexcept : length_{length} {}
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;

  /// Sets the deadline of `item`, in place of the one that it had in this list or another. `now` must not go back.
  void set(WithDeadline& item, SteadyTime now) noexcept {
    item.take_deadline_back();
    item.list_ = this;
    item.due_ = after(now, length_);
    item.previous_ = last_;
    (last_ != nullptr ? last_->next_ : first_) = &item;
    last_ = &item;
  }

  /// When the earliest comes, or never.
  SteadyTime due() const noexcept { return first_ != nullptr ? first_->due_ : never; }

  /// The item whose deadline comes first, or nullptr.
  WithDeadline* first() const noexcept { return first_; }

 private:
  friend class WithDeadline;

  Duration length_;
  WithDeadline* first_ = nullptr;
  WithDeadline* last_ = nullptr;
};

void WithDeadline::take_deadline_back() noexcept {
  if (list_ == nullptr) {
    return;
  }
  (previous_ != nullptr ? previous_->next_ : list_->first_) = next_;
  (next_ != nullptr ? next_->previous_ : list_->last_) = previous_;
  list_ = nullptr;
  previous_ = nullptr;
  next_ = nullptr;
  due_ = never;
}

}  // namespace restante::asio_detail
