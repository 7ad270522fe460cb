// An engine without a loop: bytes in, frames out.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "websocket_support.hpp"

namespace restante::test {
namespace {

using asio_detail::Role;
using Log = std::vector<std::string>;

// A server's connection, after its handshake.
class Speaker {
 public:
  explicit Speaker(TestedEngine::Shared& shared, std::size_t message_bytes_max = 64 * 1024)
      : engine_{std::make_unique<TestedEngine>(Role::server, message_bytes_max, shared)} {
    TestedEngine::ServerHandshake request;
    request.take_bytes(as_bytes(upgrade_request()));
    EXPECT_TRUE(request.complete());
    EXPECT_TRUE(engine_->accept(request, "").starts_with("HTTP/1.1 101 "));
  }

  /// Gives bytes, and adds what is found in them to the log. With a limit, as many frames at the most.
  void give(std::string_view bytes, std::size_t frames_max = SIZE_MAX) {
    unread_.assign(bytes.begin(), bytes.end());
    rest_ = std::span{unread_};
    go_on(frames_max);
  }

  /// What a loop does after a pause: it gives what it has left, which may be nothing.
  void go_on(std::size_t frames_max = SIZE_MAX) {
    asio_detail::Frame frame;
    while (frames_max > 0 && !ended_ && engine_->next(rest_, frame)) {
      // An engine may tell of pongs, or not.
      frames_max -= frame.kind == asio_detail::Frame::Kind::pong ? 0 : 1;
      const std::string payload{as_text(frame.payload)};
      switch (frame.kind) {
        case asio_detail::Frame::Kind::text:
          log.push_back("text " + payload);
          break;
        case asio_detail::Frame::Kind::binary:
          log.push_back("binary " + payload);
          break;
        case asio_detail::Frame::Kind::ping:
          log.push_back("ping " + payload);
          break;
        case asio_detail::Frame::Kind::pong:
          break;
        case asio_detail::Frame::Kind::close:
          log.push_back("close " + std::to_string(frame.code) + " " + std::string{frame.reason});
          ended_ = true;
          break;
        case asio_detail::Frame::Kind::fault:
          EXPECT_FALSE(frame.reason.empty()) << "a fault comes with a sentence";
          log.push_back("fault " + std::to_string(frame.code));
          ended_ = true;
          break;
      }
    }
  }

  Log log;

 private:
  std::unique_ptr<TestedEngine> engine_;
  std::vector<std::uint8_t> unread_;
  std::span<std::uint8_t> rest_;
  bool ended_ = false;
};

const std::string conversation = binary("one") + encode({.opcode = 9, .payload = "there?"}) +
                                 encode({.opcode = 1, .payload = "zw\xc3", .final = false}) +
                                 encode({.opcode = 10, .payload = "unasked"}) + encode({.opcode = 9}) +
                                 encode({.opcode = 0, .payload = "", .final = false}) +
                                 encode({.opcode = 0, .payload = "\xb6lf"}) + binary("") +
                                 binary(std::string(300, 'x')) + close_frame(4321, "enough");
const Log meaning{"binary one",       "ping there?", "ping ",
                  "text zwölf",       "binary ",     "binary " + std::string(300, 'x'),
                  "close 4321 enough"};

TEST(Engine, FindsTheSameFramesWhereverTheBytesAreCut) {
  TestedEngine::Shared shared;
  for (std::size_t cut = 0; cut <= conversation.size(); ++cut) {
    Speaker speaker{shared};
    speaker.give(std::string_view{conversation}.substr(0, cut));
    speaker.give(std::string_view{conversation}.substr(cut));
    ASSERT_EQ(speaker.log, meaning) << "cut at " << cut;
  }
  Speaker speaker{shared};
  for (const char byte : conversation) {
    speaker.give({&byte, 1});
  }
  EXPECT_EQ(speaker.log, meaning);
}

TEST(Engine, GivesOneFrameAtATimeAndGoesOnWithoutBytes) {
  TestedEngine::Shared shared;
  Speaker speaker{shared};
  speaker.give(conversation, 1);
  for (std::size_t found = 1; found < meaning.size(); ++found) {
    ASSERT_EQ(speaker.log, Log(meaning.begin(), meaning.begin() + static_cast<std::ptrdiff_t>(found)));
    speaker.go_on(1);
  }
  EXPECT_EQ(speaker.log, meaning);
}

TEST(Engine, KeepsConnectionsApartThatReceiveTheirMessagesInTurns) {
  TestedEngine::Shared shared;
  std::vector<std::unique_ptr<Speaker>> speakers;
  std::vector<std::string> messages;
  for (const char letter : {'a', 'b', 'c'}) {
    speakers.push_back(std::make_unique<Speaker>(shared));
    messages.push_back(binary(std::string(5000, letter)) + binary(std::string(60'000, letter)) + binary("end"));
  }
  for (std::size_t begin = 0; begin < messages[0].size(); begin += 777) {
    for (std::size_t index = 0; index < speakers.size(); ++index) {
      speakers[index]->give(std::string_view{messages[index]}.substr(begin, 777));
    }
  }
  for (std::size_t index = 0; index < speakers.size(); ++index) {
    const char letter = static_cast<char>('a' + index);
    EXPECT_EQ(speakers[index]->log,
              (Log{"binary " + std::string(5000, letter), "binary " + std::string(60'000, letter), "binary end"}));
  }
}

TEST(Engine, KeepsTheBeginningOfAMessageWhileOthersEndTheirs) {
  TestedEngine::Shared shared;
  Speaker slow{shared};
  Speaker quick{shared};
  slow.give(encode({.payload = "beginning, ", .final = false}));
  const std::string large = binary(std::string(20'000, 'x'));
  quick.give(std::string_view{large}.substr(0, 10'000));
  quick.give(std::string_view{large}.substr(10'000));
  slow.give(encode({.opcode = 0, .payload = "middle, ", .final = false}));
  quick.give(binary("small"));
  slow.give(encode({.opcode = 0, .payload = "end"}));
  EXPECT_EQ(slow.log, (Log{"binary beginning, middle, end"}));
  EXPECT_EQ(quick.log, (Log{"binary " + std::string(20'000, 'x'), "binary small"}));
}

TEST(Engine, MayEndInTheMiddleOfAnything) {
  TestedEngine::Shared shared;
  for (std::size_t cut = 0; cut < conversation.size(); ++cut) {
    Speaker speaker{shared};
    speaker.give(std::string_view{conversation}.substr(0, cut), cut % 3);
  }
  Speaker speaker{shared};
  speaker.give(conversation);
  EXPECT_EQ(speaker.log, meaning) << "what others left behind does no harm";
}

TEST(Engine, IsNotMovedByAnyNumberOfSmallFrames) {
  TestedEngine::Shared shared;
  Speaker speaker{shared};
  std::string many;
  for (int count = 0; count < 5000; ++count) {
    many += encode({.opcode = 10});
  }
  many += encode({.payload = "a", .final = false});
  for (int count = 0; count < 5000; ++count) {
    many += encode({.opcode = 0, .final = false}) + encode({.opcode = 10});
  }
  speaker.give(many + encode({.opcode = 0, .payload = "b"}));
  EXPECT_EQ(speaker.log, (Log{"binary ab"}));
}

TEST(Engine, EndsWithAFaultOrGoesOnWhateverTheBytesAre) {
  std::mt19937 random{20'240'229};
  TestedEngine::Shared shared;
  const std::size_t first = binary("before").size();
  std::size_t faults = 0;
  for (int round = 0; round < 2000; ++round) {
    Speaker speaker{shared, 1000};
    std::string bytes = binary("before") + conversation;
    for (int changes = 0; changes < 1 + round % 4; ++changes) {
      bytes[first + random() % (bytes.size() - first)] = static_cast<char>(random());
    }
    const std::size_t cut = random() % bytes.size();
    speaker.give(std::string_view{bytes}.substr(0, cut));
    speaker.give(std::string_view{bytes}.substr(cut));
    ASSERT_EQ(speaker.log.at(0), "binary before");
    if (speaker.log.back().starts_with("fault ")) {
      ++faults;
      const std::string code = speaker.log.back().substr(6);
      EXPECT_TRUE(code == "1002" || code == "1007" || code == "1009") << code;
    }
  }
  EXPECT_GT(faults, 300U);
}

}  // namespace
}  // namespace restante::test
