#include "mailbox_commands.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "confirmation.hpp"

namespace restante::cli {
namespace {

using nlohmann::json;

/// What the server said of why it did nothing.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Asks the server one thing after another.
class OperatorConnection {
 public:
  OperatorConnection(const std::string& place, unsigned timeout_s) : place_{place}, timeout_{timeout_s} {
    stream_.expires_after(timeout_);
    try {
      stream_.connect(boost::asio::local::stream_protocol::endpoint{place});
    } catch (const boost::system::system_error&) {
      throw std::runtime_error("the name of a socket has at most 107 bytes: " + place);
    }
    if (!stream_) {
      throw std::runtime_error("no server listens at " + place + ": " + stream_.error().message());
    }
  }

  json ask(const json& request) {
    stream_.expires_after(timeout_);
    stream_ << request.dump() << std::endl;
    std::string line;
    std::getline(stream_, line);
    json answer = json::parse(line, nullptr, false);
    if (!answer.is_object()) {
      throw std::runtime_error("the server at " + place_ + " gave no answer");
    }
    if (answer.contains("error")) {
      throw Refused{answer.value("sentence", "") + " (" + answer.value("error", "") + ")"};
    }
    return answer;
  }

 private:
  std::string place_;
  std::chrono::seconds timeout_;
  boost::asio::local::stream_protocol::iostream stream_;
};

std::string shown(const json& name) {
  return printable(name.get<std::string>(), false);
}

// How long ago, in whole seconds.
std::string seconds_of(const json& milliseconds) {
  return std::to_string(milliseconds.get<std::uint64_t>() / 1'000) + " s";
}

std::string row_of(const json& mailbox) {
  const bool is_room = mailbox.contains("members");
  const bool has_oldest = mailbox.contains("oldest_age_ms");
  return shown(mailbox["name"]) + '\t' + mailbox["kind"].get<std::string>() + '\t' + mailbox["messages"].dump() + '\t' +
         mailbox["bytes"].dump() + '\t' + (has_oldest ? seconds_of(mailbox["oldest_age_ms"]) : "-") + '\t' +
         (mailbox["held"].get<bool>() ? "yes" : "no") + '\t' + (is_room ? mailbox["members"].dump() : "-");
}

int list(const Output& output, OperatorConnection& server, bool is_json) {
  if (!is_json) {
    output.line("NAME\tKIND\tMESSAGES\tBYTES\tOLDEST\tHELD\tMEMBERS");
  }
  json request{{"command", "list"}};
  for (json page = server.ask(request);; page = server.ask(request)) {
    for (const json& mailbox : page.at("mailboxes")) {
      output.line(is_json ? mailbox.dump() : row_of(mailbox));
    }
    if (!page.contains("next")) {
      return done;
    }
    request["from"] = page["next"];
  }
}

// All of them, page by page.
json members_of(OperatorConnection& server, const std::string& room) {
  json members = json::array();
  json request{{"command", "members"}, {"name", room}};
  for (bool more = true; more;) {
    const json page = server.ask(request);
    for (const json& member : page.at("members")) {
      members.push_back(member);
      request["after"] = member["name"];
    }
    more = page.at("more").get<bool>();
  }
  return members;
}

void print_mailbox(const Output& output, const json& mailbox) {
  const bool is_room = mailbox.contains("members");
  const bool is_held = mailbox["held"].get<bool>();
  output.line(shown(mailbox["name"]) + " is a " + mailbox["kind"].get<std::string>() +
              (is_room   ? ""
               : is_held ? ", held by a connection"
                         : ", held by nobody"));
  output.line("messages: " + mailbox["messages"].dump() + " of " + mailbox["bytes"].dump() + " bytes" +
              (mailbox.contains("oldest_age_ms") ? ", the oldest since " + seconds_of(mailbox["oldest_age_ms"]) : ""));
  output.line("so far: " + mailbox["stored"].dump() + " stored, " + mailbox["acknowledged"].dump() + " acknowledged, " +
              mailbox["taken"].dump() + " taken, " + mailbox["expired"].dump() + " expired, " +
              mailbox["purged"].dump() + " purged");
  output.line("epoch: " + (mailbox["epoch"].is_null() ? "none" : mailbox["epoch"].get<std::string>()));
  for (const json& room : mailbox["rooms"]) {
    output.line("in room: " + shown(room));
  }
  for (const json& member : is_room ? mailbox["members"] : json::array()) {
    output.line("member: " + shown(member["name"]) + (member["held"].get<bool>() ? " is there" : " is away"));
  }
  for (const json& message : mailbox["oldest"]) {
    output.line("message " + message["offset"].dump() + ": from " + shown(message["from"]) + ", " +
                message["bytes"].dump() + " bytes, since " + seconds_of(message["age_ms"]));
  }
}

int show(const Output& output, OperatorConnection& server, const MailboxCommand& command, bool is_json) {
  json mailbox = server.ask({{"command", "show"}, {"name", command.name}, {"count", command.messages}});
  if (mailbox.contains("members")) {
    mailbox["members"] = members_of(server, command.name);
  }
  is_json ? output.line(mailbox.dump()) : print_mailbox(output, mailbox);
  return done;
}

// A person may take long to answer, and the server waits for nobody: what is asked afterwards is asked anew.
int remove(const Output& output, const MailboxCommand& command, bool is_json, unsigned timeout_s) {
  const bool retires = command.action == "retire";
  const std::string name = printable(command.name, false);
  if (!command.yes) {
    const json mailbox =
        OperatorConnection{command.place, timeout_s}.ask({{"command", "show"}, {"name", command.name}, {"count", 0}});
    const std::string messages = mailbox["messages"].dump() + " messages";
    if (!is_meant(retires ? "Forget " + name + " and its " + messages + ", and close whoever holds it?"
                          : "Remove the " + messages + " of " + name + "?")) {
      output.error("nothing was done");
      return failed;
    }
  }
  const json answer =
      OperatorConnection{command.place, timeout_s}.ask({{"command", command.action}, {"name", command.name}});
  if (is_json) {
    output.line(answer.dump());
  } else {
    output.line((retires ? "retired " : "purged ") + name + ": " + answer["messages"].dump() + " messages" +
                (answer.value("closed_holder", false) ? ", and who held it was closed" : ""));
  }
  return done;
}

}  // namespace

int mailboxes(const Output& output, const MailboxCommand& command, bool json, unsigned timeout_s) {
  const bool removes = command.action == "purge" || command.action == "retire";
  if (removes && !command.yes && !can_ask(output)) {
    return usage;
  }
  try {
    if (removes) {
      return remove(output, command, json, timeout_s);
    }
    OperatorConnection server{command.place, timeout_s};
    return command.action == "list" ? list(output, server, json) : show(output, server, command, json);
  } catch (const Refused& refused) {
    output.error((command.name.empty() ? "" : printable(command.name, false) + ": ") + refused.what());
  } catch (const std::runtime_error& error) {
    output.error(error.what());
  }
  return failed;
}

}  // namespace restante::cli
