#include "session.hpp"

#include <random>
#include <utility>
#include <variant>

namespace restante::cli {

Session::Session(SessionOptions options, const Output& output)
    : Loop{std::move(options), output}, client_{transport_, client_options()} {}

ClientOptions Session::client_options() {
  ClientOptions options;
  options.reply_timeout = options_.timeout;
  options.reconnect = options_.reconnect;
  std::random_device random;
  options.seed = std::uint64_t{random()} << 32U | random();
  options.on_event = [this](const ClientEvent& event) { told(event); };
  return options;
}

int Session::run(classic::ClientId id, std::function<void()> work) {
  id_ = id;
  work_ = std::move(work);
  client_.connect();
  return run_loop();
}

bool Session::close_connection() {
  const bool has_one = client_.state() != ClientState::idle && client_.state() != ClientState::waiting;
  client_.close();
  return has_one;
}

void Session::told(const ClientEvent& event) {
  if (std::holds_alternative<client_event::Connected>(event)) {
    connected();
  } else if (const auto* broken = std::get_if<client_event::Disconnected>(&event)) {
    ended(broken->code, broken->reason, associated_, broken->reconnects);
  } else if (const auto* restored = std::get_if<client_event::IdRestored>(&event)) {
    output_.note("connected again as " + std::to_string(restored->id));
  } else if (const auto* taken = std::get_if<client_event::IdNotRestored>(&event)) {
    output_.note("connected again, but " + std::to_string(taken->id) + " is taken; trying again");
  }
}

void Session::connected() {
  if (associated_) {
    return;
  }
  client_.associate(id_, [this](std::error_code error, classic::AssociateResult result) {
    if (error) {
      // A connection that broke is told as an event, which says more.
      if (error != Error::disconnected) {
        fail(error.message());
      }
    } else if (result == classic::AssociateResult::taken) {
      fail("id " + std::to_string(id_) + " is held by somebody else", id_taken);
    } else if (result == classic::AssociateResult::unauthorised) {
      fail("the server asks for a credential for id " + std::to_string(id_));
    } else {
      associated_ = true;
      work_();
    }
  });
}

}  // namespace restante::cli
