// A connection of the command line to a server, by the classic protocol.
#pragma once

#include <functional>

#include <restante/client.hpp>

#include "loop.hpp"

namespace restante::cli {

/// Runs a command as the holder of an id. Not thread safe.
class Session final : public Loop {
 public:
  Session(SessionOptions options, const Output& output);

  /// Connects, claims `id`, calls `work` once it is held, and runs until finish(). Gives the exit code.
  int run(classic::ClientId id, std::function<void()> work);

  Client<WebsocketppClient>& client() noexcept { return client_; }

 private:
  bool close_connection() override;
  ClientOptions client_options();
  void told(const ClientEvent& event);
  void connected();

  Client<WebsocketppClient> client_;
  classic::ClientId id_ = 0;
  std::function<void()> work_;
  bool associated_ = false;
};

}  // namespace restante::cli
