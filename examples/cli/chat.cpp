#include <charconv>

#include "commands.hpp"
#include "line_input.hpp"

namespace restante::cli {
namespace {

using classic::GetResult;
using classic::PushResult;

// Both directions of a conversation: lines that are typed go out, and the mailbox is asked for what came.
class Chat {
 public:
  Chat(Session& session, ChatOptions options)
      : session_{session},
        options_{options},
        input_{session, [this](std::string_view line) { typed(line); }, [this] { end_when_answered(); }} {}

  void start() {
    session_.output().note("You are " + std::to_string(options_.id) + ", talking to " + std::to_string(options_.to) +
                           ". /to ID talks to somebody else, /quit ends.");
    input_.start();
    get();
  }

 private:
  void typed(std::string_view line) {
    if (line.empty() || session_.finished()) {
      return;
    }
    if (line == "/quit") {
      end_when_answered();
    } else if (line.starts_with("/to ")) {
      change_receiver(line.substr(4));
    } else if (line.starts_with('/')) {
      session_.output().note("There are /to ID and /quit.");
    } else {
      push(line);
    }
  }

  void change_receiver(std::string_view text) {
    unsigned id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc{} || end != text.data() + text.size() || id > 255) {
      session_.output().note("An id is a number from 0 to 255.");
      return;
    }
    options_.to = static_cast<classic::ClientId>(id);
    session_.output().note("Talking to " + std::to_string(id) + ".");
  }

  void push(std::string_view line) {
    ++unanswered_;
    const classic::ClientId receiver = options_.to;
    session_.client().push(
        options_.id, receiver, as_bytes(line), [this, receiver](std::error_code error, PushResult result) {
          --unanswered_;
          if (error || result != PushResult::accepted) {
            session_.output().note("Not sent: " + (error ? error.message() : describe(result, options_.id, receiver)) +
                                   ".");
          }
          if (ending_) {
            end_when_answered();
          }
        });
  }

  void get() {
    session_.client().get(options_.id, [this](std::error_code error, const GetResult& result) {
      if (session_.finished()) {
        return;
      }
      if (!error && result.kind == GetResult::Kind::message) {
        session_.output().message(options_.id, result.sender, result.payload);
        get();
      } else {
        session_.after(options_.interval, [this] { get(); });
      }
    });
  }

  // What was typed before the end is sent, and its fate told.
  void end_when_answered() {
    ending_ = true;
    if (unanswered_ == 0) {
      session_.finish(done);
    }
  }

  Session& session_;
  ChatOptions options_;
  LineInput input_;
  std::size_t unanswered_ = 0;
  bool ending_ = false;
};

}  // namespace

int chat(SessionOptions options, const Output& output, ChatOptions what) {
  options.reconnect = true;
  Session session{std::move(options), output};
  Chat chat{session, what};
  return session.run(what.id, [&chat] { chat.start(); });
}

}  // namespace restante::cli
