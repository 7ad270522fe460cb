#include "mail_commands.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "line_input.hpp"

namespace restante::cli {
namespace {

using namespace std::chrono_literals;

// How long a question waits for a change before it is asked again.
constexpr std::chrono::milliseconds change_wait = 1min;

bool is_final(MessageState state) {
  return state != MessageState::waiting && state != MessageState::fetched;
}

// Pushes the messages of a session one after another.
class MailPushing {
 public:
  MailPushing(MailSession& session, std::string name, MailPush what)
      : session_{session}, name_{std::move(name)}, what_{std::move(what)} {}

  void next() {
    if (pushed_ == what_.messages.size()) {
      session_.finish(done);
      return;
    }
    session_.client().push(what_.to, as_bytes(what_.messages[pushed_]), what_.time_to_live,
                           [this](std::error_code error, const v2::PushResult& result) { ended(error, result); });
  }

 private:
  void ended(std::error_code error, const v2::PushResult& result) {
    if (error) {
      // Those before it were accepted.
      const std::string which = what_.messages.size() == 1 ? ""
                                                           : "message " + std::to_string(pushed_ + 1) + " of " +
                                                                 std::to_string(what_.messages.size()) + " ";
      fail(session_, "cannot push " + which + "to " + printable(what_.to, false), error);
      return;
    }
    session_.output().pushed(name_, what_.to, result.sequence);
    ++pushed_;
    if (what_.receipts) {
      ask_receipt(result.sequence, MessageState::unknown);
    } else {
      next();
    }
  }

  void ask_receipt(std::uint64_t sequence, MessageState known) {
    session_.client().receipt(sequence, known, change_wait,
                              [this, sequence, known](std::error_code error, MessageState state) {
                                if (error == Error::disconnected) {
                                  return;  // The end of the connection says more.
                                }
                                if (error) {
                                  fail(session_, "cannot tell what became of a message", error);
                                  return;
                                }
                                if (state != known) {
                                  session_.output().receipt(sequence, state);
                                }
                                if (is_final(state)) {
                                  next();
                                } else {
                                  ask_receipt(sequence, state);
                                }
                              });
  }

  MailSession& session_;
  std::string name_;
  MailPush what_;
  std::size_t pushed_ = 0;
};

}  // namespace

int open_address(MailOptions options, const Output& output, bool hold) {
  options.session.reconnect = hold;
  MailSession session{options, output};
  return session.run([&] {
    output.opened(options.name);
    if (!hold) {
      session.finish(done);
    }
  });
}

int push_mail(const MailOptions& options, const Output& output, MailPush what) {
  MailSession session{options, output};
  MailPushing pushing{session, options.name, std::move(what)};
  return session.run([&pushing] { pushing.next(); });
}

int get_mail(MailOptions options, const Output& output, const MailGet& what) {
  options.session.reconnect = what.follow;
  bool got_one = false;
  MailSession* running = nullptr;
  const auto handle = [&](const v2::Delivery& delivery) {
    output.mail(options.name, delivery);
    got_one = true;
    if (!what.all && !what.follow) {
      // When this turn has ended, the message is acknowledged.
      running->client().set_receiving(false);
      boost::asio::post(running->context(), [&] { running->finish(done); });
    }
    return v2::Handling::done;
  };
  MailSession session{options, output, handle, what.follow};
  running = &session;
  for (const std::string& room : what.rooms) {
    session.client().join(room, session.needs(room));
  }
  if (!what.follow) {
    session.when_all_delivered([&] {
      session.client().set_receiving(false);
      boost::asio::post(session.context(), [&] { session.finish(got_one ? done : mailbox_empty); });
    });
  }
  return session.run([] {});
}

int chat_by_mail(MailOptions options, const Output& output, std::string to) {
  options.session.reconnect = true;
  MailSession session{options, output,
                      [&](const v2::Delivery& delivery) {
                        // What was said to a room comes back from it.
                        if (delivery.source.empty() || delivery.sender != options.name) {
                          output.mail(options.name, delivery);
                        }
                        return v2::Handling::done;
                      },
                      true};
  bool ending = false;
  const auto end_when_answered = [&] {
    ending = true;
    if (session.client().outbox_messages() == 0) {
      session.finish(done);
    }
  };
  const auto join_if_room = [&] {
    if (to.starts_with('#')) {
      session.client().join(to, session.needs(to));
    }
  };
  const auto typed = [&](std::string_view line) {
    if (line == "/quit") {
      end_when_answered();
    } else if (line.starts_with("/to ")) {
      to = line.substr(4);
      join_if_room();
      output.note("Talking to " + printable(to, false) + ".");
    } else if (line.starts_with('/')) {
      output.note("There are /to ADDRESS and /quit.");
    } else if (!line.empty()) {
      session.client().push(to, as_bytes(line), [&](std::error_code error, const v2::PushResult& result) {
        if (error) {
          output.note("Not sent to " + printable(result.receiver, false) + ": " + error.message() + ".");
        }
        if (ending) {
          end_when_answered();
        }
      });
    }
  };
  LineInput input{session, typed, end_when_answered};
  join_if_room();
  return session.run([&] {
    output.note("You are " + printable(options.name, false) + ", talking to " + printable(to, false) +
                ". /to ADDRESS talks to somebody else, /quit ends.");
    input.start();
  });
}

namespace {

// Lists members, page by page.
class Listing {
 public:
  Listing(MailSession& session, std::string room, bool follow)
      : session_{session}, room_{std::move(room)}, follow_{follow} {}

  void ask(std::uint64_t known_version, const std::string& after) {
    const v2::MembersQuery query{.after = after, .known_version = known_version, .wait = follow_ ? change_wait : 0ms};
    session_.client().members(room_, query,
                              [this, known_version](std::error_code error, const v2::RoomMembers& members) {
                                answered(error, members, known_version);
                              });
  }

 private:
  void answered(std::error_code error, const v2::RoomMembers& members, std::uint64_t known_version) {
    if (error) {
      if (error != Error::disconnected) {
        fail(session_, "cannot list the members of " + printable(room_, false), error);
      }
      return;
    }
    if (members.version != known_version) {
      for (const v2::RoomMember& member : members.members) {
        session_.output().member(room_, member);
      }
    }
    if (members.more && !members.members.empty()) {
      // The next page is asked for whatever the version is.
      ask(0, std::string{members.members.back().name});
    } else if (follow_) {
      ask(members.version, {});
    } else {
      session_.finish(done);
    }
  }

  MailSession& session_;
  std::string room_;
  bool follow_;
};

}  // namespace

int members(const MailOptions& options, const Output& output, const std::string& room, bool follow) {
  MailSession session{options, output};
  Listing listing{session, room, follow};
  return session.run([&listing] { listing.ask(0, {}); });
}

int join(const MailOptions& options, const Output& output, const std::string& room) {
  MailSession session{options, output};
  session.client().join(room, [&](std::error_code error, const v2::Joined&) {
    if (error) {
      fail(session, "cannot join " + printable(room, false), error);
    } else {
      output.membership(room, "joined");
      session.finish(done);
    }
  });
  return session.run([] {});
}

int leave(const MailOptions& options, const Output& output, const std::string& room) {
  MailSession session{options, output};
  return session.run([&] {
    session.client().leave(room, [&](std::error_code error) {
      if (error) {
        fail(session, "cannot leave " + printable(room, false), error);
      } else {
        output.membership(room, "left");
        session.finish(done);
      }
    });
  });
}

}  // namespace restante::cli
