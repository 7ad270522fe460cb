// Every conversation of tests/vectors/classic_conversations.txt, held with the real Messenger over the in-memory
// transport.
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <restante/memory.hpp>
#include <restante/messenger.hpp>

#include "conversations.hpp"
#include "packets.hpp"
#include "raw_peer.hpp"

namespace restante::test {
namespace {

using namespace std::chrono_literals;

/// A server that was just started, and connections by their names.
class Stage {
 public:
  Stage() : server_{network_}, messenger_{std::in_place, server_} {}

  void perform(const Step& step) {
    SCOPED_TRACE("line " + std::to_string(step.line));
    if (step.kind == StepKind::shut_down) {
      messenger_->shut_down();
      settle();
      return;
    }
    const bool is_new = !actors_.contains(step.connection);
    Actor& actor = actors_[step.connection];
    if (is_new) {
      actor.peer = std::make_unique<RawPeer>(network_, server_, std::string{step.connection});
    }
    if (is_new || step.kind == StepKind::opens) {
      ASSERT_TRUE(actor.peer->is_free());
      actor.peer->open();
      actor.heard = 0;
      settle();
    }
    perform(step, actor);
  }

  /// Nothing was received but what the steps say, and the next reply is the next request's.
  void expect_no_more() {
    const Bytes probe{0xff, 0xff, 0x00};
    for (auto& [name, actor] : actors_) {
      SCOPED_TRACE(std::string{"connection "} + name);
      if (actor.peer->is_open()) {
        actor.peer->send(probe);
        expect_next(actor, {0x00, 0x03, 0x00});
      }
      EXPECT_EQ(actor.peer->line().received.size(), actor.heard);
      EXPECT_EQ(actor.peer->fault(), "");
    }
  }

 private:
  struct Actor {
    std::unique_ptr<RawPeer> peer;
    /// How many of the received messages the steps have named.
    std::size_t heard = 0;
  };

  void perform(const Step& step, Actor& actor) {
    switch (step.kind) {
      case StepKind::sends:
        ASSERT_TRUE(actor.peer->is_open());
        actor.peer->send(step.bytes);
        break;
      case StepKind::receives:
        expect_next(actor, step.bytes);
        break;
      case StepKind::sends_text:
        ASSERT_TRUE(actor.peer->is_open());
        actor.peer->send_text(step.text);
        break;
      case StepKind::closes:
        actor.peer->close();
        settle();
        EXPECT_EQ(actor.peer->line().close_code, close_code::normal);
        break;
      case StepKind::breaks:
        network_.break_connection(actor.peer->line().connection);
        settle();
        EXPECT_EQ(actor.peer->line().close_code, close_code::abnormal);
        break;
      case StepKind::is_closed:
        settle();
        EXPECT_EQ(actor.peer->line().received.size(), actor.heard);
        EXPECT_EQ(actor.peer->line().close_code, step.close_code);
        EXPECT_FALSE(actor.peer->line().close_reason.empty());
        break;
      case StepKind::retries:
        // The in-memory network notices the end of a connection at once: one attempt is enough.
        actor.peer->send(step.bytes);
        expect_next(actor, step.until);
        break;
      case StepKind::opens:
      case StepKind::shut_down:
        break;
    }
  }

  void expect_next(Actor& actor, const Bytes& expected) {
    settle();
    ASSERT_GT(actor.peer->line().received.size(), actor.heard) << "nothing came, but " << to_hex(expected) << " should";
    EXPECT_EQ(Bytes{actor.peer->line().received[actor.heard]}, expected);
    ++actor.heard;
  }

  void settle() { ASSERT_TRUE(network_.run_until_quiet(1min)); }

  MemoryNetwork network_;
  MemoryServer server_;
  std::map<char, Actor> actors_;
  std::optional<Messenger<MemoryServer>> messenger_;
};

class ConversationOverMemory : public ::testing::TestWithParam<Conversation> {};

TEST_P(ConversationOverMemory, GoesAsWritten) {
  Stage stage;
  for (const Step& step : GetParam().steps) {
    stage.perform(step);
    if (HasFatalFailure()) {
      return;
    }
  }
  stage.expect_no_more();
}

INSTANTIATE_TEST_SUITE_P(Classic, ConversationOverMemory,
                         ::testing::ValuesIn(read_conversations(RESTANTE_VECTORS "/classic_conversations.txt")),
                         [](const auto& conversation) { return conversation.param.name; });

}  // namespace

}  // namespace restante::test
