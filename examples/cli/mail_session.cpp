#include "mail_session.hpp"

#include <random>
#include <utility>
#include <variant>

namespace restante::cli {

using namespace std::chrono_literals;

MailSession::MailSession(const MailOptions& options, const Output& output, const Handler& on_message, bool waits)
    : Loop{options.session, output},
      name_{options.name},
      client_{transport_, client_options(options, on_message, waits)} {}

v2::ClientOptions MailSession::client_options(const MailOptions& options, const Handler& on_message, bool waits) {
  v2::ClientOptions client;
  client.address = options.name;
  client.credential = options.credential;
  client.reply_timeout = options_.timeout;
  client.reconnect = options_.reconnect;
  std::random_device random;
  client.seed = std::uint64_t{random()} << 32U | random();
  if (on_message) {
    client.on_message = on_message;
  }
  if (!waits) {
    client.fetch_wait = 1ms;
    client.messages_in_hand_max = 1;
  }
  client.on_event = [this](const v2::ClientEvent& event) { told(event); };
  return client;
}

int MailSession::run(std::function<void()> work) {
  work_ = std::move(work);
  client_.connect();
  return run_loop();
}

bool MailSession::close_connection() {
  const bool has_one = client_.state() != ClientState::idle && client_.state() != ClientState::waiting;
  client_.close();
  return has_one;
}

v2::JoinCallback MailSession::needs(std::string room) {
  return [this, room = std::move(room)](std::error_code error, const v2::Joined&) {
    if (error) {
      cli::fail(*this, "cannot join " + printable(room, false), error);
    }
  };
}

void MailSession::told(const v2::ClientEvent& event) {
  namespace happened = v2::client_event;
  if (std::holds_alternative<happened::AddressOpened>(event)) {
    opened();
  } else if (const auto* broken = std::get_if<happened::Disconnected>(&event)) {
    if (broken->code == close_code::taken_over && !finished()) {
      output_.error("another connection proved that " + printable(name_, false) + " is its own");
      finish(id_taken);
    }
    ended(broken->code, broken->reason, was_open_, broken->reconnects);
  } else if (const auto* refused = std::get_if<happened::AddressRefused>(&event)) {
    const std::error_code error = refused->reason;
    if (was_open_ && refused->tries_again) {
      output_.note("connected again, but: " + error.message() + "; trying again");
    } else {
      cli::fail(*this, "cannot open " + printable(name_, false), error);
    }
  } else if (std::holds_alternative<happened::ProtocolMissing>(event)) {
    finish(protocol_missing);
  } else if (const auto* missed = std::get_if<happened::MessagesMissed>(&event)) {
    output_.note(printable(missed->room, false) + " kept not everything: " + std::to_string(missed->count) +
                 " messages were missed");
  } else if (const auto* lost = std::get_if<happened::RoomRefused>(&event)) {
    const std::error_code error = lost->reason;
    output_.note("cannot join " + printable(lost->room, false) + " again: " + error.message());
  } else if (std::holds_alternative<happened::AllDelivered>(event) && all_delivered_ && !finished()) {
    all_delivered_();
  }
}

void MailSession::opened() {
  if (std::exchange(was_open_, true)) {
    output_.note("connected again as " + printable(name_, false));
  } else {
    work_();
  }
}

void fail(Loop& loop, std::string_view what, std::error_code error) {
  const ExitCode code = error == Refusal::mailbox_full || error == Refusal::quota_exceeded ? mailbox_full
                        : error == Refusal::address_taken                                  ? id_taken
                                                                                           : failed;
  loop.fail(std::string{what} + ": " + error.message(), code);
}

}  // namespace restante::cli
