#include "commands.hpp"

#include <utility>

namespace restante::cli {
namespace {

using classic::GetResult;
using classic::PushResult;

// Pushes the messages of a session one after another.
class Pushing {
 public:
  Pushing(Session& session, classic::ClientId sender, classic::ClientId receiver, std::vector<std::string> messages)
      : session_{session}, sender_{sender}, receiver_{receiver}, messages_{std::move(messages)} {}

  void next() {
    if (pushed_ == messages_.size()) {
      session_.finish(done);
      return;
    }
    session_.client().push(sender_, receiver_, as_bytes(messages_[pushed_]),
                           [this](std::error_code error, PushResult result) { answered(error, result); });
  }

 private:
  void answered(std::error_code error, PushResult result) {
    if (error == Error::disconnected) {
      session_.fail("the connection ended before the reply came: whether the message was stored is not known");
    } else if (error) {
      session_.fail(error.message());
    } else if (result != PushResult::accepted) {
      session_.fail(describe(result, sender_, receiver_), result == PushResult::mailbox_full ? mailbox_full : failed);
    } else {
      session_.output().accepted(sender_, receiver_);
      ++pushed_;
      next();
    }
  }

  Session& session_;
  classic::ClientId sender_;
  classic::ClientId receiver_;
  std::vector<std::string> messages_;
  std::size_t pushed_ = 0;
};

// Takes messages out of a mailbox for as long as was asked.
class Getting {
 public:
  Getting(Session& session, GetOptions options) : session_{session}, options_{options} {}

  void next() {
    session_.client().get(options_.id,
                          [this](std::error_code error, const GetResult& result) { answered(error, result); });
  }

 private:
  void later() {
    session_.after(options_.interval, [this] { next(); });
  }

  void answered(std::error_code error, const GetResult& result) {
    if (error) {
      if (options_.follow && !session_.finished()) {
        later();
      } else if (error != Error::disconnected) {
        session_.fail(error.message());
      }
      return;
    }
    switch (result.kind) {
      case GetResult::Kind::message:
        session_.output().message(options_.id, result.sender, result.payload);
        got_one_ = true;
        if (options_.all || options_.follow) {
          next();
        } else {
          session_.finish(done);
        }
        return;
      case GetResult::Kind::empty:
        if (options_.follow) {
          later();
        } else {
          session_.finish(got_one_ ? done : mailbox_empty);
        }
        return;
      case GetResult::Kind::not_associated:
      case GetResult::Kind::refused:
        // After a reconnect, the id may not be held yet; a store may come back.
        if (options_.follow) {
          later();
        } else {
          session_.fail("the server refused to give messages out");
        }
        return;
    }
  }

  Session& session_;
  GetOptions options_;
  bool got_one_ = false;
};

}  // namespace

std::string describe(PushResult result, classic::ClientId sender, classic::ClientId receiver) {
  switch (result) {
    case PushResult::accepted:
      return "accepted";
    case PushResult::mailbox_full:
      return "the mailbox of " + std::to_string(receiver) + " is full";
    case PushResult::not_associated:
      return "id " + std::to_string(sender) + " is not held any more";
    case PushResult::refused:
      break;
  }
  return "the server refused the message";
}

int associate(SessionOptions options, const Output& output, classic::ClientId id, bool hold) {
  options.reconnect = hold;
  Session session{std::move(options), output};
  return session.run(id, [&session, &output, id, hold] {
    output.associated(id);
    if (!hold) {
      session.finish(done);
    }
  });
}

int push(SessionOptions options, const Output& output, classic::ClientId sender, classic::ClientId receiver,
         std::vector<std::string> messages) {
  Session session{std::move(options), output};
  Pushing pushing{session, sender, receiver, std::move(messages)};
  return session.run(sender, [&pushing] { pushing.next(); });
}

int get(SessionOptions options, const Output& output, GetOptions what) {
  options.reconnect = what.follow;
  Session session{std::move(options), output};
  Getting getting{session, what};
  return session.run(what.id, [&getting] { getting.next(); });
}

}  // namespace restante::cli
