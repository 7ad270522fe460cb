// The rooms that a client of restante.v2 wants to be in, and how it stands with each on the present connection.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <restante/v2/client_request.hpp>

namespace restante::v2::detail {

/// Rooms by name.
class JoinedRooms {
 public:
  struct Room {
    /// Those who wait to hear how it went.
    std::vector<JoinCallback> callbacks = {};
    /// A JOIN is under way.
    bool asked = false;
    /// This connection has joined.
    bool joined = false;
    /// It has, and where it stands is to be asked again.
    bool asks_again = false;
    /// Mail from here was not taken before it had: it counts only from a FETCH on that rewinds.
    bool awaits_rewind = false;
  };

  bool empty() const noexcept { return rooms_.empty(); }

  /// A JOIN is under way: until it is answered, the epoch of some mail would not be known.
  bool busy() const noexcept { return joining_ != 0; }

  /// A room that is wanted from now on, perhaps since earlier.
  Room& want(std::string_view name) { return rooms_.try_emplace(std::string{name}).first->second; }

  bool wants(std::string_view name) const { return rooms_.contains(name); }

  /// A room that is wanted, or nullptr.
  Room* find(std::string_view name) {
    const auto found = rooms_.find(name);
    return found == rooms_.end() ? nullptr : &found->second;
  }

  /// A room that is not wanted any more, or never was, and who waited for it.
  std::vector<JoinCallback> forget(std::string_view name) {
    const auto found = rooms_.find(name);
    if (found == rooms_.end()) {
      return {};
    }
    std::vector<JoinCallback> callbacks = std::move(found->second.callbacks);
    rooms_.erase(found);
    return callbacks;
  }

  /// A JOIN leaves.
  void asked(Room& room) noexcept {
    room.asked = true;
    room.asks_again = false;
    ++joining_;
  }

  /// A JOIN was answered: the room, or nullptr where it is not wanted any more.
  Room* answered(std::string_view name) {
    --joining_;
    Room* const room = find(name);
    if (room != nullptr) {
      room->asked = false;
    }
    return room;
  }

  /// The rooms that this connection has to ask for.
  std::vector<std::string> to_join() const {
    std::vector<std::string> names;
    for (const auto& [name, room] : rooms_) {
      if (!room.asked && (!room.joined || room.asks_again)) {
        names.push_back(name);
      }
    }
    return names;
  }

  /// The connection ended. Gives the rooms that are to be joined on the next.
  std::vector<std::string> closed() {
    joining_ = 0;
    leaving_.clear();
    others_.clear();
    for (auto& [name, room] : rooms_) {
      room.asked = false;
      room.joined = false;
      room.asks_again = false;
      room.awaits_rewind = false;
    }
    return to_join();
  }

  /// A LEAVE leaves, and is answered: what comes from the room in between means nothing.
  void leaving(std::string_view name) { leaving_.emplace(name); }
  void left(std::string_view name) {
    if (const auto found = leaving_.find(name); found != leaving_.end()) {
      leaving_.erase(found);
    }
  }
  bool is_leaving(std::string_view name) const { return leaving_.contains(name); }

  /// More rooms than an address can be a member of on any server that means well.
  static constexpr std::size_t others_max = 10'000;

  /// Mail came from a room that was not joined on this connection. Gives whether it is the first from there; of more
  /// than others_max rooms, nothing is said.
  bool other(std::string_view name) { return others_.size() < others_max && others_.emplace(name).second; }
  /// Whether there was such mail since last asked, or may have been: then it is to be delivered again.
  bool take_other(std::string_view name) {
    return others_.size() == others_max || others_.erase(std::string{name}) != 0;
  }

 private:
  std::map<std::string, Room, std::less<>> rooms_;
  std::set<std::string, std::less<>> leaving_;
  std::set<std::string, std::less<>> others_;
  std::size_t joining_ = 0;
};

}  // namespace restante::v2::detail
