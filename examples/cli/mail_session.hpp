// A connection of the command line to a server, by restante.v2.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <restante/v2/client.hpp>

#include "loop.hpp"

namespace restante::cli {

/// What MailSession::run() gives where the server does not speak restante.v2. Nothing was said of it yet.
inline constexpr int protocol_missing = -1;

struct MailOptions {
  SessionOptions session;
  /// The address that is opened.
  std::string name;
  /// A token or a password; empty for none.
  std::string credential = {};
};

/// Runs a command as the holder of an address. Not thread safe.
class MailSession final : public Loop {
 public:
  using Handler = std::function<v2::Handling(const v2::Delivery&)>;

  /// Without a handler, no mail is fetched. With one that `waits`, mail is waited for.
  MailSession(const MailOptions& options, const Output& output, const Handler& on_message = {}, bool waits = false);

  /// Connects, opens the address, calls `work` once, when it is open, and runs until finish(). Gives the exit code.
  int run(std::function<void()> work);

  /// Is called when all mail that there was has been handed over.
  void when_all_delivered(std::function<void()> work) { all_delivered_ = std::move(work); }

  /// A callback for a JOIN that the command cannot do without.
  v2::JoinCallback needs(std::string room);

  v2::Client<WebsocketppClient>& client() noexcept { return client_; }

 private:
  bool close_connection() override;
  v2::ClientOptions client_options(const MailOptions& options, const Handler& on_message, bool waits);
  void told(const v2::ClientEvent& event);
  void opened();

  std::string name_;
  v2::Client<WebsocketppClient> client_;
  std::function<void()> work_;
  std::function<void()> all_delivered_;
  bool was_open_ = false;
};

/// What went wrong, with the exit code that says so.
void fail(Loop& loop, std::string_view what, std::error_code error);

}  // namespace restante::cli
