// What the command line prints. Standard output carries results, and nothing else; people are told the rest on standard
// error.
#pragma once

#include <string>
#include <string_view>

#include <restante/bytes.hpp>
#include <restante/classic/packet.hpp>
#include <restante/core/reply.hpp>
#include <restante/v2/client_request.hpp>
#include <restante/v2/inbox.hpp>

namespace restante::cli {

/// The exit codes, which --help lists.
enum ExitCode : int {
  done = 0,
  /// No connection, no answer, or one that makes no sense.
  failed = 1,
  /// The command line makes no sense.
  usage = 2,
  /// The receiver's mailbox is full.
  mailbox_full = 3,
  /// Somebody else holds the id or the address.
  id_taken = 4,
  /// There was no message.
  mailbox_empty = 5,
};

/// Text from somebody else, for a terminal: control characters, which could make the terminal do things, those that
/// turn the direction of writing around, and bytes that are no UTF-8 are shown as \xNN. Line breaks and tabs stay where
/// `lines` says so.
std::string printable(std::string_view text, bool lines);

/// Prints results, as text or as one JSON object in a line.
class Output {
 public:
  explicit Output(bool json) : json_{json} {}

  void associated(classic::ClientId id) const;
  void accepted(classic::ClientId sender, classic::ClientId receiver) const;
  void message(classic::ClientId receiver, classic::ClientId sender, BytesView payload) const;

  /// One of the addresses of a file.
  void address(std::string_view address) const;
  /// A line as it is, for a token or a key: with JSON, no other, since it is one or needs no marks.
  void line(std::string_view text) const;

  // By restante.v2, where addresses are names.

  void opened(std::string_view name) const;
  void pushed(std::string_view sender, std::string_view receiver, std::uint64_t sequence) const;
  /// What became of a message that was pushed.
  void receipt(std::uint64_t sequence, MessageState state) const;
  void mail(std::string_view receiver, const v2::Delivery& delivery) const;
  void member(std::string_view room, const v2::RoomMember& member) const;
  /// "joined" or "left".
  void membership(std::string_view room, std::string_view what) const;

  /// Says on standard error what went wrong; with JSON, on standard output as well.
  void error(std::string_view sentence) const;

  /// Tells a person something that is no result, on standard error.
  void note(std::string_view sentence) const;

 private:
  bool json_;
};

}  // namespace restante::cli
