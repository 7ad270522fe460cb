// Clients of restante.v2 on links that jitter, stall and break, programs that end and start again, and a server that
// forgets everything: what was accepted is handed over exactly once and in order, every push ends once, members of a
// room that is too small are told exactly what they missed, and whatever can not be known is said to be so.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <restante/memory.hpp>
#include <restante/messenger.hpp>
#include <restante/sim/mail_storage.hpp>
#include <restante/v2/client.hpp>

namespace restante::property {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t actors = 3;
constexpr std::string_view names[actors] = {"ada", "7", "eve"};
constexpr std::string_view room = "#tea";

struct Command {
  enum class Kind : std::uint8_t {
    push,
    push_to_room,
    flash,
    crowd,
    pass_time,
    break_off,
    stall,
    restart,
    finish,
    crash_server
  };
  Kind kind = Kind::push;
  std::size_t actor = 0;
  std::size_t number = 0;
};

std::ostream& operator<<(std::ostream& stream, const Command& command) {
  constexpr const char* kinds[] = {"push",      "push_to_room", "flash",   "crowd",  "pass_time",
                                   "break_off", "stall",        "restart", "finish", "crash_server"};
  return stream << kinds[static_cast<std::size_t>(command.kind)] << '(' << command.actor << ", " << command.number
                << ')';
}

// What is particular about a world, besides links that break and programs that end.
enum class Trouble : std::uint8_t { none, server_crashes, room_is_tight };

rc::Gen<Command> command(Trouble trouble) {
  using Kind = Command::Kind;
  auto kind = rc::gen::weightedElement<Kind>({{8, Kind::push},
                                              {6, Kind::push_to_room},
                                              {trouble == Trouble::room_is_tight ? 6U : 0U, Kind::flash},
                                              {1, Kind::crowd},
                                              {8, Kind::pass_time},
                                              {4, Kind::break_off},
                                              {2, Kind::stall},
                                              {2, Kind::restart},
                                              {4, Kind::finish},
                                              {trouble == Trouble::server_crashes ? 2U : 0U, Kind::crash_server}});
  return rc::gen::build<Command>(rc::gen::set(&Command::kind, kind),
                                 rc::gen::set(&Command::actor, rc::gen::inRange<std::size_t>(0, actors)),
                                 rc::gen::set(&Command::number, rc::gen::inRange<std::size_t>(0, 1000)));
}

// What an actor keeps when its program ends.
struct Disk : public sim::MailStorage {
  // The effect: what was handled of each source, in order.
  std::map<std::string, std::vector<std::string>> received;
  // Where it stood in the room when it joined, and how many messages of it were handled, and told of as missed.
  std::optional<Offset> room_begin;
  std::uint64_t room_handled = 0;
  std::uint64_t room_missed = 0;
};

// A push, and what its program was told of it.
struct Pushed {
  std::string text;
  std::string receiver;
  int endings = 0;
  std::error_code error;
};

class Actor {
 public:
  using Program = v2::Client<MemoryClient, Disk, Disk>;

  Actor(std::size_t number, MemoryNetwork& network, MemoryServer& server)
      : number_{number}, transport_{network, server, {.name = std::string{names[number]}}} {
    start();
  }

  void start() {
    v2::ClientOptions options;
    options.address = std::string{names[number_]};
    options.seed = number_ + 1;
    options.reply_timeout = 5s;
    options.reconnect_after_max = 2s;
    options.messages_in_hand_max = 4;
    options.on_message = [this](const v2::Delivery& delivery) { return handle(delivery); };
    options.on_event = [this](const v2::ClientEvent& event) {
      if (const auto* ended = std::get_if<v2::client_event::PushEnded>(&event)) {
        end(ended->result.id, ended->error);
      } else if (const auto* missed = std::get_if<v2::client_event::MessagesMissed>(&event)) {
        disk_.offsets[{std::string{missed->room}, missed->epoch}] = missed->offset;
        disk_.room_missed += missed->count;
      }
    };
    program_.emplace(transport_, disk_, disk_, std::move(options));
    program_->join(room, [this](std::error_code error, const v2::Joined& joined) {
      RC_ASSERT(!error);
      disk_.room_begin = disk_.room_begin.value_or(joined.cursor);
    });
    program_->connect();
  }

  // The program ends, and another run of it starts.
  void restart() {
    later_.clear();
    program_.reset();
    start();
  }

  void push(std::string_view receiver, std::chrono::milliseconds time_to_live = {}) {
    std::string text = std::string{names[number_]} + " " + std::to_string(++pushes_);
    const v2::PushId id = program_->push(receiver, as_bytes(text), time_to_live);
    by_id_[id] = pushed_.size();  // Ids begin anew in a program that finds its outbox empty.
    pushed_.push_back({std::move(text), std::string{receiver}, 0, {}});
  }

  // Asks which offset the next message of the room will get.
  void ask_next(Offset& next) {
    program_->join(room, [&next](std::error_code, const v2::Joined& joined) { next = joined.next_offset; });
  }

  // Done with the first of those that it wanted to finish later.
  void finish() {
    if (!later_.empty()) {
      const auto [source, epoch, offset] = later_.front();
      later_.erase(later_.begin());
      program_->done(source, epoch, offset);
    }
  }

  // From now on it finishes at once, what it has included.
  void hurry() {
    hurries_ = true;
    while (!later_.empty()) {
      finish();
    }
  }

  Connection connection() const { return transport_.connection(); }
  const Program& program() const { return *program_; }
  const std::vector<Pushed>& pushed() const { return pushed_; }
  const Disk& disk() const { return disk_; }

 private:
  struct Later {
    std::string source;
    Epoch epoch = 0;
    Offset offset = 0;
  };

  v2::Handling handle(const v2::Delivery& delivery) {
    Offset& offset =
        disk_.offsets.try_emplace({std::string{delivery.source}, delivery.epoch}, delivery.offset).first->second;
    RC_ASSERT(offset <= delivery.offset);
    offset = delivery.offset;
    disk_.received[std::string{delivery.source}].emplace_back(as_text(delivery.payload));
    disk_.room_handled += delivery.source == room ? 1 : 0;
    if (hurries_ || ++handled_ % 3 != 0) {
      return v2::Handling::done;
    }
    later_.push_back({std::string{delivery.source}, delivery.epoch, delivery.offset});
    return v2::Handling::later;
  }

  void end(v2::PushId id, std::error_code error) {
    Pushed& pushed = pushed_.at(by_id_.at(id));
    ++pushed.endings;
    pushed.error = error;
  }

  std::size_t number_;
  Disk disk_;
  std::vector<Pushed> pushed_;
  std::map<v2::PushId, std::size_t> by_id_;
  std::vector<Later> later_;
  std::size_t pushes_ = 0;
  std::size_t handled_ = 0;
  bool hurries_ = false;
  MemoryClient transport_;
  std::optional<Program> program_;
};

class World {
 public:
  // A tight room has no place for more than a few messages, and some do not last.
  explicit World(std::uint64_t seed, Trouble trouble = Trouble::none)
      : room_is_tight_{trouble == Trouble::room_is_tight},
        network_{{.seed = seed, .link = {.latency = 10ms, .jitter = 30ms}}},
        server_{network_},
        entropy_{seed} {
    start_server();
    for (std::size_t number = 0; number < actors; ++number) {
      actors_.push_back(std::make_unique<Actor>(number, network_, server_));
    }
  }

  void perform(const Command& command) {
    Actor& actor = *actors_[command.actor];
    switch (command.kind) {
      case Command::Kind::push:
        actor.push(names[command.number % actors]);
        break;
      case Command::Kind::push_to_room:
        actor.push(room, std::chrono::milliseconds{room_is_tight_ && command.number % 3 == 0 ? command.number : 0});
        break;
      case Command::Kind::flash:
        // Gone before anybody is back to fetch it.
        for (const auto& other : actors_) {
          network_.break_connection(other->connection(), {.arrive_at_server = 0, .arrive_at_client = 0});
        }
        actor.push(room, 1ms);
        break;
      case Command::Kind::crowd:
        for (std::size_t count = 0; count < 30; ++count) {
          actor.push(names[command.number % actors]);
        }
        break;
      case Command::Kind::pass_time:
        network_.run_for(std::chrono::milliseconds{room_is_tight_ ? command.number / 2 : command.number});
        break;
      case Command::Kind::break_off:
        network_.break_connection(actor.connection(),
                                  {.arrive_at_server = command.number % 4, .arrive_at_client = command.number % 3});
        break;
      case Command::Kind::stall:
        network_.set_stalled(actor.connection(), command.number % 2 == 0);
        break;
      case Command::Kind::restart:
        actor.restart();
        break;
      case Command::Kind::finish:
        actor.finish();
        break;
      case Command::Kind::crash_server:
        server_.crash();
        messenger_.reset();
        start_server();
        break;
    }
  }

  // Everything is healed, and gets the time that it needs.
  void settle() {
    for (const auto& actor : actors_) {
      network_.set_stalled(actor->connection(), false);
      actor->hurry();
    }
    network_.run_for(3min);
  }

  Offset next_in_room() {
    Offset next = 0;
    actors_.front()->ask_next(next);
    network_.run_for(1min);
    return next;
  }

  const Actor& actor(std::size_t number) const { return *actors_[number]; }
  MessengerCounters counters() const { return messenger_->counters(); }

 private:
  void start_server() {
    MessengerOptions options;
    options.limits.mailbox_messages_max = 100;
    options.limits.sender_messages_max = 20;
    options.limits.room_messages_max = room_is_tight_ ? 3 : options.limits.room_messages_max;
    options.entropy = [this] { return entropy_ = entropy_ * 6364136223846793005U + 1442695040888963407U; };
    options.wall_clock = [this] {
      return static_cast<std::uint64_t>(
          std::chrono::ceil<std::chrono::milliseconds>(network_.now().time_since_epoch()).count());
    };
    messenger_.emplace(server_, std::move(options));
  }

  bool room_is_tight_;
  MemoryNetwork network_;
  MemoryServer server_;
  std::uint64_t entropy_;
  std::optional<Messenger<MemoryServer>> messenger_;
  std::vector<std::unique_ptr<Actor>> actors_;
};

// What those who sent it were told was accepted, in the order in which they pushed.
std::vector<std::string> accepted(const Actor& sender, std::string_view receiver) {
  std::vector<std::string> texts;
  for (const Pushed& pushed : sender.pushed()) {
    if (pushed.receiver == receiver && !pushed.error) {
      texts.push_back(pushed.text);
    }
  }
  return texts;
}

// What came from a sender out of a source, in the order in which it was handled.
std::vector<std::string> received(const Actor& receiver, std::string_view source, std::string_view sender) {
  std::vector<std::string> texts;
  const auto found = receiver.disk().received.find(std::string{source});
  if (found != receiver.disk().received.end()) {
    for (const std::string& text : found->second) {
      if (text.starts_with(std::string{sender} + " ")) {
        texts.push_back(text);
      }
    }
  }
  return texts;
}

void check_that_all_ended_once(const World& world) {
  for (std::size_t number = 0; number < actors; ++number) {
    const Actor& actor = world.actor(number);
    RC_ASSERT(actor.program().is_open());
    RC_ASSERT(actor.program().outbox_messages() == 0U);
    RC_ASSERT(actor.disk().outbox.empty());
    for (const Pushed& pushed : actor.pushed()) {
      RC_ASSERT(pushed.endings == 1);
    }
  }
}

// Until nothing happens any more; then every push has ended, once.
void play(World& world, const std::vector<Command>& commands) {
  for (const Command& command : commands) {
    world.perform(command);
  }
  world.settle();
  check_that_all_ended_once(world);
}

RC_GTEST_PROP(V2Clients, HandOverWhatWasAcceptedExactlyOnceAndInOrder, (std::uint64_t seed)) {
  World world{seed};
  play(world, *rc::gen::container<std::vector<Command>>(command(Trouble::none)));
  for (std::size_t sender = 0; sender < actors; ++sender) {
    for (const Pushed& pushed : world.actor(sender).pushed()) {
      RC_ASSERT(!pushed.error || pushed.error == Refusal::quota_exceeded || pushed.error == Refusal::mailbox_full ||
                pushed.error == Refusal::classic_limit);
    }
    for (std::size_t receiver = 0; receiver < actors; ++receiver) {
      RC_ASSERT(received(world.actor(receiver), "", names[sender]) == accepted(world.actor(sender), names[receiver]));
      RC_ASSERT(received(world.actor(receiver), room, names[sender]) == accepted(world.actor(sender), room));
    }
  }
  RC_ASSERT(world.counters().refused[static_cast<std::size_t>(Refusal::sequence_ahead)] == 0U);
  RC_ASSERT(world.counters().refused[static_cast<std::size_t>(Refusal::stale_sequence)] == 0U);
  RC_ASSERT(world.counters().refused[static_cast<std::size_t>(Refusal::malformed)] == 0U);
}

RC_GTEST_PROP(V2Clients, AreToldExactlyWhatTheyMissedOfARoom, (std::uint64_t seed)) {
  World world{seed, Trouble::room_is_tight};
  std::vector<Command> commands = *rc::gen::container<std::vector<Command>>(command(Trouble::room_is_tight));
  // At last, what is told of messages that are gone is lost again and again, and no other message follows.
  for (const std::size_t time : *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, 1000))) {
    commands.push_back({Command::Kind::flash, time % actors, 0});
    commands.push_back({Command::Kind::pass_time, 0, time});
  }
  for (std::size_t number = 0; number < actors; ++number) {
    commands.push_back({Command::Kind::break_off, number, 0});
  }
  play(world, commands);
  const Offset next = world.next_in_room();
  for (std::size_t number = 0; number < actors; ++number) {
    const Disk& disk = world.actor(number).disk();
    RC_ASSERT(disk.room_begin.has_value());
    RC_ASSERT(*disk.room_begin + disk.room_handled + disk.room_missed == next);
    RC_ASSERT(world.counters().refused[static_cast<std::size_t>(Refusal::malformed)] == 0U);
    RC_CLASSIFY(disk.room_missed != 0, "missed something");
  }
}

RC_GTEST_PROP(V2Clients, AreToldWhatCanNotBeKnownOfAServerThatForgets, (std::uint64_t seed)) {
  World world{seed};
  play(world, *rc::gen::container<std::vector<Command>>(command(Trouble::server_crashes)));
  for (std::size_t sender = 0; sender < actors; ++sender) {
    std::map<std::string, const Pushed*> pushes;
    for (const Pushed& pushed : world.actor(sender).pushed()) {
      pushes.emplace(pushed.text, &pushed);
    }
    for (std::size_t receiver = 0; receiver < actors; ++receiver) {
      for (const std::string_view source : {std::string_view{}, room}) {
        std::map<std::string, int> times;
        for (const std::string& text : received(world.actor(receiver), source, names[sender])) {
          const Pushed& pushed = *pushes.at(text);
          RC_ASSERT(!pushed.error || pushed.error == Error::outcome_unknown);
          RC_ASSERT(++times[text] == 1);
        }
      }
    }
  }
}

}  // namespace
}  // namespace restante::property
