// A client in a simulation: the real Client on the in-memory network, or somebody who sends whatever he likes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <restante/assert.hpp>
#include <restante/bytes.hpp>
#include <restante/classic/codec.hpp>
#include <restante/client.hpp>
#include <restante/memory/endpoint.hpp>
#include <restante/memory/network.hpp>
#include <restante/sim/correspondent.hpp>
#include <restante/sim/letters.hpp>
#include <restante/sim/report.hpp>
#include <restante/sim/tap.hpp>
#include <restante/sim/trace.hpp>
#include <restante/sim/v2_delivery_checker.hpp>

namespace restante::sim {

/// A message as a client got it.
struct Message {
  classic::ClientId sender = 0;
  std::string text;
  friend bool operator==(const Message&, const Message&) = default;
};

struct ClientSetup {
  /// The id that it associates with.
  classic::ClientId id = 0;
  /// What its link is like; what the network says where nothing is given.
  std::optional<LinkOptions> link = {};
  /// Sends packets without caring for replies, and does not come back by itself: for those who misbehave, and for
  /// datagram links, on which the classic protocol cannot match replies to requests.
  bool raw = false;
  /// Looks into its mailbox as soon as a connection stands again, before it knows whether it holds its id.
  bool asks_on_return = false;
  ClientOptions options = {};
  /// Speaks restante.v2 instead, and has an address and no id.
  std::optional<CorrespondentSetup> correspondent = {};
};

using TappedCorrespondent = Correspondent<Tap<MemoryClient>>;

/// What clients of restante.v2 share.
struct Correspondence {
  Letters letters = {};
  V2DeliveryChecker checker;
};

/// One client. Made by Simulation, which it must not outlive.
class SimulatedClient {
 public:
  SimulatedClient(MemoryNetwork& network, MemoryServer& server, Recorder& recorder, Findings& findings,
                  Correspondence& correspondence, ClientIndex index, ClientSetup setup, std::uint64_t seed)
      : network_{network},
        recorder_{recorder},
        findings_{findings},
        index_{index},
        setup_{std::move(setup)},
        seed_{seed},
        transport_{network, server, {.name = "client " + std::to_string(index), .link = setup_.link}},
        tap_{transport_, recorder, Side::client, index},
        raw_{*this} {
    if (setup_.correspondent) {
      correspondent_ = std::make_unique<TappedCorrespondent>(
          correspondence.letters, correspondence.checker, index, *setup_.correspondent,
          [&timeline = network.timeline()](Duration delay, std::function<void()> action) {
            timeline.at(after(timeline.now(), delay), std::move(action));
          });
    }
  }
  SimulatedClient(const SimulatedClient&) = delete;
  SimulatedClient& operator=(const SimulatedClient&) = delete;

  ClientIndex index() const noexcept { return index_; }
  classic::ClientId id() const noexcept { return setup_.id; }
  bool is_raw() const noexcept { return setup_.raw; }
  /// Of restante.v2; nullptr for a client of the classic protocol.
  const TappedCorrespondent* correspondent() const noexcept { return correspondent_.get(); }

  /// From now on it can keep whatever it should.
  void heal_storage() {
    if (correspondent_) {
      correspondent_->heal_storage();
    }
  }

  /// Starts the program if it does not run, connects, and associates its id. Nothing happens to a client that is
  /// connected or connecting.
  void connect() {
    wanted_ = true;
    if (!running_) {
      start();
    }
    if (setup_.raw) {
      if (transport_.connection() == Connection{}) {
        tap_.open();
      }
    } else if (correspondent_) {
      correspondent_->connect();
    } else {
      program_->connect();
    }
  }

  /// Ends the connection properly. A client that is not raw stays away until connect().
  void disconnect() {
    if (!running_) {
      return;
    }
    wanted_ = false;
    if (setup_.raw) {
      tap_.close(transport_.connection(), close_code::normal, "");
    } else if (correspondent_) {
      correspondent_->close();
    } else {
      program_->close();
    }
    associated_ = false;
    claimed_ = false;
  }

  /// The program ends without a word, with all that it knew. connect() starts another.
  void crash() {
    if (!running_) {
      return;
    }
    if (const Connection connection = transport_.connection(); connection != Connection{}) {
      recorder_.record({.time = network_.now(),
                        .kind = EntryKind::closed_at_client,
                        .client = index_,
                        .connection = connection,
                        .code = close_code::abnormal,
                        .text = "the client crashed"});
    }
    transport_.crash();
    program_.reset();
    if (correspondent_) {
      correspondent_->crash();
    }
    asked_ = told();
    running_ = false;
    open_ = false;
    associated_ = false;
    claimed_ = false;
    draining_ = false;
  }

  bool running() const noexcept { return running_; }
  bool associated() const noexcept { return associated_; }

  /// Pushes from its own id. What became of it is counted.
  void push(classic::ClientId to, std::string_view text) {
    if (correspondent_) {
      return;
    }
    ++asked_;
    if (!running_) {
      ++totals_.not_connected;
    } else if (setup_.raw) {
      send(classic::encode(classic::make_push(setup_.id, to, as_bytes(text)), buffer_));
    } else {
      program_->push(setup_.id, to, as_bytes(text),
                     [this](std::error_code error, classic::PushResult result) { pushed(error, result); });
    }
  }

  /// Pushes a message of so many bytes to an address or a room. Only for clients of restante.v2.
  void push(std::string_view receiver, std::size_t payload_bytes) {
    if (running_ && correspondent_) {
      correspondent_->push(receiver, payload_bytes);
    }
  }

  /// Asks for the oldest message of its mailbox, and with `drain` goes on until the mailbox is empty.
  void get(bool drain = false) {
    if (correspondent_) {
      return;
    }
    ++asked_;
    if (!running_) {
      ++totals_.not_connected;
    } else if (setup_.raw) {
      send(classic::encode(classic::Get{setup_.id}, buffer_));
    } else {
      program_->get(setup_.id, [this, drain](std::error_code error, const classic::GetResult& result) {
        got(error, result, drain);
      });
    }
  }

  /// Sends bytes as they are, if there is a connection. Only for a raw client: another's replies would not match.
  void send(BytesView bytes) {
    if (running_ && open_) {
      tap_.send(transport_.connection(), bytes);
    }
  }

  /// Sends a text message, which the server closes the connection for.
  void send_text(std::string_view text) {
    const bool is_connected = program_ && program_->state() == Client<Tap<MemoryClient>>::State::connected;
    if (running_ && (open_ || is_connected || (correspondent_ && correspondent_->is_connected()))) {
      tap_.send_text(transport_.connection(), text);
    }
  }

  /// Stops reading what comes, and reads on.
  void pause_reading() {
    if (running_) {
      transport_.pause(transport_.connection());
    }
  }
  void resume_reading() {
    if (running_) {
      transport_.resume(transport_.connection());
    }
  }

  MemoryClient& transport() noexcept { return transport_; }
  const MemoryClient& transport() const noexcept { return transport_; }
  const ClientTotals& totals() const noexcept { return totals_; }

  /// Keeps the messages that come from now on, for take_messages().
  void keep_messages() noexcept { keeps_messages_ = true; }
  std::vector<Message> take_messages() { return std::exchange(messages_, {}); }

  /// Lets time pass until it holds its id, and says whether that came about within `limit`.
  bool wait_until_associated(Duration limit = std::chrono::minutes{1}) {
    const SteadyTime deadline = after(network_.now(), limit);
    while (!associated_ && network_.timeline().next() <= deadline && network_.step()) {
    }
    return associated_;
  }

  /// Waits until it holds its id, takes all messages out of its mailbox while time passes, and gives their texts. What
  /// did not come within `limit` is missing. Not for raw clients.
  std::vector<std::string> get_all(Duration limit = std::chrono::minutes{1}) {
    RESTANTE_ASSERT(!setup_.raw, "a raw client does not know which reply belongs to what");
    const SteadyTime deadline = after(network_.now(), limit);
    const bool kept_messages = std::exchange(keeps_messages_, true);
    std::vector<Message> kept = take_messages();
    if (wait_until_associated(limit)) {
      draining_ = true;
      get(true);
      while (draining_ && network_.timeline().next() <= deadline && network_.step()) {
      }
    }
    std::vector<std::string> texts;
    for (Message& message : messages_) {
      texts.push_back(std::move(message.text));
    }
    messages_ = std::move(kept);
    keeps_messages_ = kept_messages;
    return texts;
  }

  /// How many requests wait for a reply.
  std::size_t requests() const noexcept { return program_ ? program_->requests() : 0; }

  /// When nobody waits for a reply any more: each push and each get was told what became of it, once.
  void check_quiet() {
    if (!setup_.raw && asked_ != told()) {
      findings_.liveness_failure(checker_name, network_.now(),
                                 "of " + std::to_string(asked_) + " requests of a client, " + std::to_string(told()) +
                                     " were told what became of them");
    }
  }

 private:
  // A client without manners: it listens to nothing.
  class Raw final : public TransportListener {
   public:
    explicit Raw(SimulatedClient& client) : client_{client} {}
    void opened(Connection, const Opened&) override { client_.raw_opened(); }
    void received(Connection, MessageType, BytesView message) override { client_.raw_received(message); }
    void turn_ended() override {}
    void drained(Connection) override {}
    void closed(Connection, const Closed&) override {
      client_.open_ = false;
      client_.associated_ = false;
    }
    void woken() override {}

   private:
    SimulatedClient& client_;
  };

  void start() {
    running_ = true;
    open_ = false;
    if (setup_.raw) {
      tap_.start(raw_);
      return;
    }
    if (correspondent_) {
      correspondent_->start(tap_, seed_ + ++starts_);
      return;
    }
    ClientOptions options;
    options.requests_max = setup_.options.requests_max;
    options.reply_timeout = setup_.options.reply_timeout;
    options.reconnect = setup_.options.reconnect;
    options.reconnect_after = setup_.options.reconnect_after;
    options.reconnect_after_max = setup_.options.reconnect_after_max;
    options.restore_retry_after = setup_.options.restore_retry_after;
    options.seed = seed_ + ++starts_;
    options.on_event = [this](const ClientEvent& event) { told(event); };
    program_ = std::make_unique<Client<Tap<MemoryClient>>>(tap_, std::move(options));
  }

  void told(const ClientEvent& event) {
    if (std::holds_alternative<client_event::Connected>(event)) {
      if (!wanted_) {
        findings_.violation(checker_name, network_.now(), "a client came back that was told to stay away");
      }
      if (!claimed_) {
        claim();
      } else if (setup_.asks_on_return) {
        get();
      }
    } else if (std::holds_alternative<client_event::Disconnected>(event)) {
      associated_ = false;
    } else if (std::holds_alternative<client_event::IdRestored>(event)) {
      associated_ = true;
      findings_.sometimes.reach(Sometimes::id_restored);
    } else if (const auto* failed = std::get_if<client_event::IdNotRestored>(&event);
               failed != nullptr && failed->result == classic::AssociateResult::taken) {
      findings_.sometimes.reach(Sometimes::id_taken_on_return);
    }
  }

  // Who finds his id taken tries again after a while, as a person would; who never held it does so at each connection.
  void claim() {
    claimed_ = true;
    program_->associate(setup_.id, [this](std::error_code error, classic::AssociateResult result) {
      claimed_ = false;
      if (!error && result == classic::AssociateResult::associated) {
        claimed_ = true;
        associated_ = true;
      } else if (!error) {
        claim_again();
      }
    });
  }

  void claim_again() {
    const std::uint64_t life = starts_;
    network_.timeline().at(
        after(network_.now(), claim_again_after),
        [this, life] {
          if (running_ && life == starts_ && !claimed_ && program_ &&
              program_->state() == Client<Tap<MemoryClient>>::State::connected) {
            claim();
          }
        },
        EventWeight::deadline);
  }

  // It was sent, and its connection ended.
  static bool is_unknown(std::error_code error) {
    return error == Error::disconnected || error == Error::protocol_violation;
  }

  void pushed(std::error_code error, classic::PushResult result) {
    if (is_unknown(error)) {
      ++totals_.unknown;
      findings_.sometimes.reach(Sometimes::outcome_unknown);
    } else if (error) {
      ++totals_.not_connected;
    } else if (result == classic::PushResult::accepted) {
      ++totals_.accepted;
    } else if (result == classic::PushResult::mailbox_full) {
      ++totals_.mailbox_full;
    } else {
      ++totals_.refused;
    }
  }

  void got(std::error_code error, const classic::GetResult& result, bool drain) {
    if (error) {
      is_unknown(error) ? ++totals_.unknown : ++totals_.not_connected;
      draining_ = draining_ && !drain;
      return;
    }
    switch (result.kind) {
      case classic::GetResult::Kind::message:
        ++totals_.messages;
        if (keeps_messages_) {
          messages_.push_back({result.sender, std::string{as_text(result.payload)}});
        }
        if (drain) {
          get(true);
        }
        break;
      case classic::GetResult::Kind::empty:
        ++totals_.found_empty;
        draining_ = draining_ && !drain;
        break;
      case classic::GetResult::Kind::not_associated:
      case classic::GetResult::Kind::refused:
        ++totals_.refused;
        draining_ = draining_ && !drain;
        break;
    }
  }

  void raw_opened() {
    open_ = true;
    send(classic::encode(classic::Associate{.id = setup_.id}, buffer_));
  }

  void raw_received(BytesView message) {
    const classic::ServerPacket packet = classic::decode_server_packet(message);
    if (std::holds_alternative<classic::AssociationSuccess>(packet)) {
      associated_ = true;
    } else if (std::holds_alternative<classic::PositiveAck>(packet)) {
      ++totals_.accepted;
    } else if (std::holds_alternative<classic::BufferFull>(packet)) {
      ++totals_.mailbox_full;
    } else if (const auto* response = std::get_if<classic::GetResponse>(&packet); response != nullptr) {
      ++totals_.messages;
      if (keeps_messages_) {
        messages_.push_back({response->sender, std::string{as_text(response->payload)}});
      }
    } else if (std::holds_alternative<classic::BufferEmpty>(packet)) {
      ++totals_.found_empty;
    } else {
      ++totals_.refused;
    }
  }

  // Pushes and gets whose outcome is known.
  std::uint64_t told() const noexcept {
    return totals_.accepted + totals_.mailbox_full + totals_.refused + totals_.unknown + totals_.not_connected +
           totals_.messages + totals_.found_empty;
  }

  static constexpr Duration claim_again_after = std::chrono::seconds{1};
  static constexpr std::string_view checker_name = "client";

  MemoryNetwork& network_;
  Recorder& recorder_;
  Findings& findings_;
  ClientIndex index_;
  ClientSetup setup_;
  std::uint64_t seed_;
  MemoryClient transport_;
  Tap<MemoryClient> tap_;
  Raw raw_;
  std::unique_ptr<Client<Tap<MemoryClient>>> program_;
  std::unique_ptr<TappedCorrespondent> correspondent_;
  bool running_ = false;
  /// connect() was called, and disconnect() was not since.
  bool wanted_ = false;
  /// Of a raw client: the connection stands.
  bool open_ = false;
  bool associated_ = false;
  /// An ASSOCIATE is under way, or the id was associated: then the Client restores it by itself.
  bool claimed_ = false;
  std::uint64_t starts_ = 0;
  ClientTotals totals_;
  /// Pushes and gets; those that a crash cut off do not count.
  std::uint64_t asked_ = 0;
  /// get_all() waits for the end of the mailbox.
  bool draining_ = false;
  bool keeps_messages_ = false;
  std::vector<Message> messages_;
  std::array<std::uint8_t, classic::packet_bytes_max> buffer_{};
};

}  // namespace restante::sim
