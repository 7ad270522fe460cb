// The file of a store as lines of JSON, in the format of docs/operations.md.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <istream>
#include <map>
#include <string>

#include <restante/core/sequence_window.hpp>
#include <restante/store.hpp>

namespace restante::cli {

/// Is loaded into, and writes lines. Everything throws std::runtime_error where that fails.
class StoreLinesWriter final : public MessageLoader {
 public:
  /// Writes the first line.
  explicit StoreLinesWriter(std::FILE* file);

  void address(const AddressAdded& added, bool was_opened) override;
  void sequence(Address sender, std::uint64_t sequence, MessageState state) override;
  void member(const MemberJoined& joined, Offset delivered_end) override;
  void delivered(const MessagesDelivered& delivered) override;
  void message(const MessageStored& stored) override;
  void next_offset(Address receiver, Offset offset) override;

  /// Writes the last line. What ends without it is not whole.
  void finish();

 private:
  void write(const std::string& line);
  void write_window();
  std::string name_of(Address address) const;

  std::FILE* file_;
  std::uint64_t lines_ = 0;
  std::map<Address, std::string> names_;
  std::map<Address, Offset> delivered_ends_;
  /// Of the sender whose numbers are being told.
  Address sender_ = {};
  SequenceWindow window_;
};

/// Gives what the lines say to a loader. Throws std::runtime_error, which names the line, where one cannot be, or the
/// last one is missing; and where somebody interrupts it.
void read_store_lines(std::istream& lines, MessageLoader& loader, const std::function<bool()>& is_interrupted);

}  // namespace restante::cli
